// Catalog: names in statements to readers of buckets, with InfluxDB's errors for what does not exist.
//
//   Catalog catalog(engine, "campus", "");
//   std::vector<query::Source> sources = TRY(catalog.sources(statement.sources));
//
// Readers are kept for as long as the catalog, so that one statement sees one state of each bucket.
// Threads: one owner. Errors: kNotFound, kInvalidArgument in InfluxDB's words.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/languages/influxql/ast.h"
#include "query/plan.h"
#include "query/tiers.h"
#include "tsdb/engine.h"

namespace campanile::query::influxql {

// A measurement and the buckets of a database that have it.
struct Measurement {
  std::string name;
  std::vector<std::shared_ptr<const tsdb::Reader>> readers;
};

class Catalog {
 public:
  // `tiers`: what is known of them; may be null.
  Catalog(const tsdb::Engine& engine, std::string database, std::string retention_policy, const Tiers* tiers = nullptr, bool reads_tiers = false)
      : engine_(engine), database_(std::move(database)), retention_policy_(std::move(retention_policy)), tiers_(tiers), reads_tiers_(reads_tiers) {}

  const tsdb::Engine& engine() const { return engine_; }
  // Those that queries may be answered from; null: none.
  const Tiers* tiers() const { return reads_tiers_ ? tiers_ : nullptr; }

  // What FROM names, patterns resolved, each bucket's measurement once. Unknown measurements are left out.
  Result<std::vector<query::Source>> sources(const std::vector<Source>& from);
  // The bucket that a source or the target of INTO names.
  Result<tsdb::BucketId> bucket(const Source& source) const;
  // The measurements of a database by name, all where `from` is empty; over all its retention policies, or over the default one alone,
  // where `from` names none.
  enum class Policies { kAll, kDefault };
  Result<std::vector<Measurement>> measurements(std::string_view database, const std::vector<Source>& from, Policies policies = Policies::kAll);
  // The database that a statement means: `named`, or the one of the request. Errors: none named, or unknown.
  Result<std::string> database(std::string_view named) const;

 private:
  // The request's retention policy goes with the request's database.
  std::string policy_of(const Source& source) const;
  Result<std::shared_ptr<const tsdb::Reader>> reader(const std::string& database, const std::string& retention_policy);

  const tsdb::Engine& engine_;
  std::string database_;
  std::string retention_policy_;
  const Tiers* tiers_;
  const bool reads_tiers_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const tsdb::Reader>> readers_;
};

}  // namespace campanile::query::influxql
