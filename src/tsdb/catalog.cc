#include "tsdb/catalog.h"

#include <algorithm>

#include "base/text.h"
#include "codec/varint.h"

namespace campanile::tsdb {
namespace {

constexpr uint8_t kVersion = 2;  // 1: without continuous queries
constexpr size_t kNameBytesMax = 255;

}  // namespace

const Catalog::Policy* Catalog::Database::find(std::string_view policy) const {
  const std::string_view wanted = policy.empty() ? std::string_view(default_policy) : policy;
  const auto found = std::find_if(policies.begin(), policies.end(), [wanted](const Policy& candidate) { return candidate.name == wanted; });
  return found == policies.end() ? nullptr : &*found;
}

const Catalog::Database* Catalog::find(std::string_view database) const {
  const auto found = databases_.find(database);
  return found == databases_.end() ? nullptr : &found->second;
}

Catalog::Effect Catalog::apply(const DatabaseChange& change) {
  Effect effect;
  const auto found = databases_.find(change.database);
  if (change.kind == DatabaseChange::Kind::kDropDatabase) {
    if (found == databases_.end()) return effect;
    for (const Policy& policy : found->second.policies) effect.dropped.push_back(policy.bucket);
    databases_.erase(found);
    return effect;
  }
  if (change.kind >= DatabaseChange::Kind::kCreateQuery) {
    if (found != databases_.end()) change_queries(found->second, change);
    return effect;
  }
  const bool changes_policy = change.kind == DatabaseChange::Kind::kDropPolicy || change.kind == DatabaseChange::Kind::kAlterPolicy;
  if (changes_policy) {
    if (found != databases_.end()) change_policy(found->second, change, effect);
    return effect;
  }
  next_bucket_ = std::max(next_bucket_, change.bucket + 1);
  const bool creates = change.kind == DatabaseChange::Kind::kCreateDatabase;
  if (creates ? found != databases_.end() : found == databases_.end()) return effect;
  Database& database = creates ? databases_[change.database] : found->second;
  if (!change.policy.empty() && !database.find(change.policy)) {
    database.policies.push_back({.name = change.policy, .bucket = change.bucket, .duration_ns = change.duration_ns});
    effect.made.push_back(database.policies.back());
  }
  if (change.is_default || creates) database.default_policy = change.policy;
  return effect;
}

void Catalog::change_queries(Database& database, const DatabaseChange& change) {
  const auto query = std::ranges::find(database.queries, change.policy, &ContinuousQuery::name);
  if (change.kind == DatabaseChange::Kind::kCreateQuery) {
    if (query == database.queries.end()) database.queries.push_back({change.policy, change.text});
  } else if (query != database.queries.end()) {
    database.queries.erase(query);
  }
}

void Catalog::change_policy(Database& database, const DatabaseChange& change, Effect& effect) {
  const auto policy = std::ranges::find(database.policies, change.policy, &Policy::name);
  if (policy == database.policies.end()) return;
  if (change.kind == DatabaseChange::Kind::kDropPolicy) {
    effect.dropped.push_back(policy->bucket);
    database.policies.erase(policy);
    return;
  }
  policy->duration_ns = change.duration_ns;
  if (change.is_default) database.default_policy = change.policy;
  effect.altered.push_back(*policy);
}

Result<BucketId> Catalog::bucket(std::string_view database, std::string_view policy) const {
  const Database* const found = find(database);
  if (!found) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", excerpt(database));
  const Policy* const wanted = found->find(policy);
  if (!wanted) return fail(ErrorCode::kNotFound, "retention policy not found: {}", excerpt(policy.empty() ? std::string_view(found->default_policy) : policy));
  return wanted->bucket;
}

std::string Catalog::encode() const {
  std::string out;
  out += static_cast<char>(kVersion);
  codec::append_varint(out, next_bucket_);
  codec::append_varint(out, applied_lsn_);
  codec::append_varint(out, databases_.size());
  for (const auto& [name, database] : databases_) {
    codec::append_bytes(out, name);
    codec::append_bytes(out, database.default_policy);
    codec::append_varint(out, database.policies.size());
    for (const Policy& policy : database.policies) {
      codec::append_bytes(out, policy.name);
      codec::append_varint(out, policy.bucket);
      codec::append_signed(out, policy.duration_ns);
    }
    codec::append_varint(out, database.queries.size());
    for (const ContinuousQuery& query : database.queries) {
      codec::append_bytes(out, query.name);
      codec::append_bytes(out, query.text);
    }
  }
  return out;
}

Result<Catalog> Catalog::decode(std::string_view bytes) {
  codec::ByteReader in(bytes);
  const uint8_t version = in.byte();
  if (version < 1 || version > kVersion) return fail(ErrorCode::kUnsupported, "catalogue row of format version {}, this program reads up to {}", version, kVersion);
  Catalog catalog;
  catalog.next_bucket_ = static_cast<BucketId>(in.varint());
  catalog.applied_lsn_ = in.varint();
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string name(in.sized_bytes());
    Database& database = catalog.databases_[name];
    database.default_policy = in.sized_bytes();
    for (uint64_t policies = in.varint(); policies > 0 && in.ok(); --policies) {
      Policy policy{.name = std::string(in.sized_bytes())};
      policy.bucket = static_cast<BucketId>(in.varint());
      policy.duration_ns = in.signed_varint();
      database.policies.push_back(std::move(policy));
    }
    for (uint64_t queries = version < 2 ? 0 : in.varint(); queries > 0 && in.ok(); --queries) {
      ContinuousQuery query{.name = std::string(in.sized_bytes())};
      query.text = in.sized_bytes();
      database.queries.push_back(std::move(query));
    }
  }
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "catalogue row of {} bytes", bytes.size());
  return catalog;
}

Result<void> check_name(std::string_view what, std::string_view name) {
  const bool has_control = std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > kNameBytesMax || has_control) {
    return fail(ErrorCode::kInvalidArgument, "invalid {} name '{}': it must have 1 to {} bytes and no control characters", what, excerpt(name), kNameBytesMax);
  }
  return {};
}

}  // namespace campanile::tsdb
