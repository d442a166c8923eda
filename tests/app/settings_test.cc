#include "app/config/settings.h"

#include <gtest/gtest.h>

#include <set>

#include "app/config/load.h"

namespace campanile::app {
namespace {

class SettingsTest : public testing::Test {
 protected:
  Config config_;
  std::vector<Setting> settings_ = settings_of(config_);

  const Setting& setting(std::string_view path) {
    const Setting* found = find_setting(settings_, path);
    EXPECT_NE(found, nullptr) << path;
    return *found;
  }
  std::string error_of(std::string_view path, std::string_view text) {
    const auto assigned = assign(setting(path), text);
    return assigned ? "" : assigned.error().message;
  }
};

TEST_F(SettingsTest, EachIsNamedOnceCommentedAndInsideItsOwnLimits) {
  std::set<std::string_view> paths;
  std::set<std::string> variables;
  for (const Setting& s : settings_) {
    EXPECT_TRUE(paths.insert(s.path).second) << s.path << " stands twice";
    EXPECT_TRUE(variables.insert(environment_name(s.path)).second) << s.path << " shares its variable with another";
    EXPECT_FALSE(s.comment.empty()) << s.path;
    EXPECT_TRUE(s.comment.ends_with('.') || s.comment.ends_with('`')) << s.path << ": " << s.comment;
    if (!is_scalar(s)) continue;
    const std::string text = format_value(s);
    if (text.empty() && s.low == 0) continue;
    EXPECT_TRUE(assign(s, text)) << s.path << " refuses its own default " << text;
    EXPECT_EQ(format_value(s), text) << s.path;
  }
}

TEST_F(SettingsTest, EverySectionHasASetting) {
  for (const Section& section : sections()) {
    const bool found = std::any_of(settings_.begin(), settings_.end(),
                                   [&](const Setting& s) { return s.path.starts_with(std::string(section.name) + "."); });
    EXPECT_TRUE(found) << section.name;
    EXPECT_EQ(find_setting(settings_, section.name), nullptr) << section.name << " is both a section and a setting";
  }
}

TEST_F(SettingsTest, SizesTakeUnits) {
  const std::pair<std::string_view, uint64_t> cases[] = {{"64MiB", 64 * kMiB}, {"64MB", 64'000'000}, {"65536", 65'536}, {"64 mib", 64 * kMiB},
                                                         {"1GiB", kGiB},       {"2kB", 2000},        {"4KiB", 4096},    {"5000B", 5000}};
  for (const auto& [text, bytes] : cases) {
    EXPECT_TRUE(assign(setting("http.body_bytes_max"), text)) << text;
    EXPECT_EQ(config_.http.body_bytes_max, bytes) << text;
  }
}

TEST_F(SettingsTest, SizesRefuseWhatIsNone) {
  for (const auto text : {"", "64M", "-1", "1.5GiB", "MiB", "64MiBB", "18446744073709551615TiB", "99999999999999999999", "0x10", " 5MiB", "512"}) {
    EXPECT_FALSE(assign(setting("http.body_bytes_max"), text)) << "'" << text << "'";
  }
  EXPECT_EQ(error_of("http.body_bytes_max", "64M"), "found '64M', allowed is a size such as 64MiB, 64MB or a number of bytes, from 1KiB to 16GiB");
  EXPECT_EQ(config_.http.body_bytes_max, 64 * kMiB) << "a refused value must leave the old one";
}

TEST_F(SettingsTest, DurationsAreInTheUnitOfTheirName) {
  EXPECT_TRUE(assign(setting("http.idle_timeout_s"), "5m"));
  EXPECT_EQ(config_.http.idle_timeout_s, 300u);
  EXPECT_TRUE(assign(setting("http.idle_timeout_s"), "10"));
  EXPECT_EQ(config_.http.idle_timeout_s, 10u);
  EXPECT_TRUE(assign(setting("storage.sync_every_ms"), "2s"));
  EXPECT_EQ(config_.storage.sync_every_ms, 2000u);
  EXPECT_TRUE(assign(setting("storage.sync_every_ms"), "250ms"));
  EXPECT_EQ(config_.storage.sync_every_ms, 250u);
  EXPECT_FALSE(assign(setting("http.idle_timeout_s"), "250ms"));
  EXPECT_FALSE(assign(setting("http.idle_timeout_s"), "10 years"));
}

TEST_F(SettingsTest, RangesAreClosed) {
  EXPECT_FALSE(assign(setting("http.connections_max"), "0"));
  EXPECT_TRUE(assign(setting("http.connections_max"), "1"));
  EXPECT_TRUE(assign(setting("http.connections_max"), "1000000"));
  EXPECT_FALSE(assign(setting("http.connections_max"), "1000001"));
  EXPECT_EQ(error_of("http.connections_max", "0"), "found '0', allowed is a whole number from 1 to 1000000");
}

TEST_F(SettingsTest, AddressesNameTheirForm) {
  EXPECT_TRUE(assign(setting("http.listen"), "[::1]:0"));
  EXPECT_EQ(config_.http.listen.port, 0);
  EXPECT_NE(error_of("http.listen", "8086").find("an address and a port such as 127.0.0.1:8086"), std::string::npos);
  EXPECT_NE(error_of("http.listen", "127.0.0.1:99999"), "");
}

TEST_F(SettingsTest, ChoicesAndFlagsTellTheirWords) {
  EXPECT_TRUE(assign(setting("storage.sync"), "every"));
  EXPECT_EQ(config_.storage.sync, SyncMode::kEvery);
  EXPECT_EQ(error_of("log.level", "warn"), "found 'warn', allowed is debug, info, warning, error or off; did you mean warning?");
  EXPECT_EQ(error_of("ingest.builtin_routes", "yes"), "found 'yes', allowed is true or false");
}

TEST_F(SettingsTest, SecretsAreNotRepeated) {
  const std::string secret(100'000, 's');
  EXPECT_EQ(error_of("auth.password", secret), "allowed is a secret of 0 to 65535 bytes");
}

}  // namespace
}  // namespace campanile::app
