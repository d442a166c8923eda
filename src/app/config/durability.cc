#include "app/config/durability.h"

#include <algorithm>

#include "base/text.h"

namespace campanile::app {
namespace {

uint64_t general_sync_every_ms(const Config& config) { return config.storage.sync == SyncMode::kEvery ? config.storage.sync_every_ms : 0; }

}  // namespace

uint64_t sync_every_ms(const Config& config, std::string_view database) {
  const uint64_t general = general_sync_every_ms(config);
  const auto own = std::ranges::find(config.storage.databases, database, &DatabaseConfig::name);
  if (own == config.storage.databases.end() || own->sync_every_ms == 0) return general;
  // Where nobody waits for syncs the shorter of the two brings them about.
  return general == 0 ? own->sync_every_ms : std::min(general, own->sync_every_ms);
}

std::vector<std::string> durability_warnings(const Config& config) {
  std::vector<std::string> warnings;
  if (const uint64_t ms = general_sync_every_ms(config)) {
    warnings.push_back(fmt::format("storage.sync is every: a power cut may lose what was acknowledged in the last {} ms", ms));
  }
  for (const DatabaseConfig& database : config.storage.databases) {
    if (database.sync_every_ms == 0) continue;
    warnings.push_back(fmt::format("storage.databases: a power cut may lose points of '{}' that were acknowledged in the last {} ms", excerpt(database.name),
                                   sync_every_ms(config, database.name)));
  }
  return warnings;
}

}  // namespace campanile::app
