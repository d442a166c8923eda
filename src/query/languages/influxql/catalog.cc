#include "query/languages/influxql/catalog.h"

#include <algorithm>
#include <set>

#include <re2/re2.h>

namespace campanile::query::influxql {
namespace {

bool names(const Source& source, std::string_view measurement) {
  if (!source.regex) return source.name == measurement;
  return re2::RE2::PartialMatch(re2::StringPiece(measurement.data(), measurement.size()), *source.regex->pattern);
}

}  // namespace

std::string Catalog::policy_of(const Source& source) const {
  if (!source.retention_policy.empty()) return source.retention_policy;
  const bool is_requests = source.database.empty();
  if (is_requests && !retention_policy_.empty()) return retention_policy_;
  if (tiers_ == nullptr || source.regex) return "";
  return tiers_->policy_of(is_requests ? database_ : source.database, source.name).value_or("");
}

Result<std::string> Catalog::database(std::string_view named) const {
  std::string name = named.empty() ? database_ : std::string(named);
  if (name.empty()) return fail(ErrorCode::kInvalidArgument, "database name required");
  const std::vector<std::string> known = engine_.databases();
  if (std::find(known.begin(), known.end(), name) == known.end()) return fail(ErrorCode::kNotFound, "database not found: {}", name);
  return name;
}

Result<std::shared_ptr<const tsdb::Reader>> Catalog::reader(const std::string& database, const std::string& retention_policy) {
  auto& slot = readers_[{database, retention_policy}];
  if (slot) return slot;
  if (!retention_policy.empty()) {
    const auto policies = TRY(engine_.retention_policies(database));
    const bool known = std::any_of(policies.begin(), policies.end(), [&](const auto& each) { return each.name == retention_policy; });
    if (!known) return fail(ErrorCode::kNotFound, "retention policy not found: {}", retention_policy);
  }
  const tsdb::BucketId bucket = TRY(engine_.bucket(database, retention_policy));
  slot = TRY(engine_.reader(bucket));
  return slot;
}

Result<std::vector<query::Source>> Catalog::sources(const std::vector<Source>& from) {
  std::vector<query::Source> found;
  std::set<std::pair<const tsdb::Reader*, std::string>> seen;
  for (const Source& source : from) {
    const std::string database_name = TRY(database(source.database));
    const std::string policy = policy_of(source);
    const auto bucket_reader = TRY(reader(database_name, policy));
    const tsdb::BucketId bucket = TRY(engine_.bucket(database_name, policy));
    for (std::string& measurement : bucket_reader->measurements()) {
      if (!names(source, measurement) || !seen.emplace(bucket_reader.get(), measurement).second) continue;
      found.push_back({.name = measurement, .measurement = measurement, .reader = bucket_reader, .range = {}, .bucket = bucket, .tiers = {}});
    }
  }
  return found;
}

Result<tsdb::BucketId> Catalog::bucket(const Source& source) const { return engine_.bucket(TRY(database(source.database)), policy_of(source)); }

Result<std::vector<Measurement>> Catalog::measurements(std::string_view database_named, const std::vector<Source>& from, Policies policies) {
  std::map<std::string, Measurement> found;
  const auto add_all = [&](const std::string& database_name, const std::string& policy, const Source* wanted) -> Result<void> {
    const auto bucket_reader = TRY(reader(database_name, policy));
    for (std::string& name : bucket_reader->measurements()) {
      if (wanted != nullptr && !names(*wanted, name)) continue;
      Measurement& measurement = found[name];
      measurement.name = name;
      auto& readers = measurement.readers;
      if (std::find(readers.begin(), readers.end(), bucket_reader) == readers.end()) readers.push_back(bucket_reader);
    }
    return {};
  };
  const auto add = [&](const Source* wanted) -> Result<void> {
    const bool has_own = wanted != nullptr && !wanted->database.empty();
    const std::string database_name = TRY(database(has_own ? std::string_view(wanted->database) : database_named));
    if (wanted != nullptr && !wanted->retention_policy.empty()) return add_all(database_name, wanted->retention_policy, wanted);
    if (policies == Policies::kDefault) return add_all(database_name, "", wanted);
    for (const tsdb::RetentionPolicy& policy : TRY(engine_.retention_policies(database_name))) TRY(add_all(database_name, policy.name, wanted));
    return {};
  };
  if (from.empty()) TRY(add(nullptr));
  for (const Source& source : from) TRY(add(&source));
  std::vector<Measurement> measurements;
  for (auto& [name, measurement] : found) measurements.push_back(std::move(measurement));
  return measurements;
}

}  // namespace campanile::query::influxql
