#include "query/languages/influxql/influxql.h"

#include <algorithm>

#include "query/executor.h"
#include "query/languages/influxql/catalog.h"
#include "query/languages/influxql/delete.h"
#include "query/languages/influxql/explain.h"
#include "query/languages/influxql/into.h"
#include "query/languages/influxql/planner.h"
#include "query/languages/influxql/show.h"
#include "query/languages/influxql/subquery.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

constexpr int64_t kHourNs = 3'600'000'000'000;

class StatementRunner {
 public:
  // `text` is the statement's.
  StatementRunner(std::string_view text, tsdb::Engine& engine, const RunOptions& options, ResultSink& sink)
      : text_(text), engine_(engine), options_(options), sink_(sink), catalog_(engine, options.database, options.retention_policy, options.tiers, options.reads_tiers) {}

  Result<void> operator()(const SelectStatement& statement) {
    const PreparedSelect prepared = TRY(prepare_select(statement, options_.now_ns));
    SelectResult planned = TRY(plan_over(statement, prepared, catalog_, options_.context));
    if (statement.target) return select_into(*statement.target, std::move(planned), catalog_, engine_, options_, sink_);
    if (!planned.plan) return {};
    sink_.columns(std::move(planned.columns), true, prepared.zone);
    return execute(*planned.plan, options_.context, sink_);
  }

  Result<void> operator()(const ShowMeasurements& statement) { return show_measurements(statement, catalog_, options_, sink_); }
  Result<void> operator()(const ShowTagKeys& statement) { return show_tag_keys(statement, catalog_, options_, sink_); }
  Result<void> operator()(const ShowTagValues& statement) { return show_tag_values(statement, catalog_, options_, sink_); }
  Result<void> operator()(const ShowFieldKeys& statement) { return show_field_keys(statement, catalog_, options_, sink_); }
  Result<void> operator()(const ShowSeries& statement) { return show_series(statement, catalog_, options_, sink_); }
  Result<void> operator()(const ShowCardinality& statement) { return show_cardinality(statement, catalog_, options_, sink_); }
  Result<void> operator()(const ShowQueries&) { return show_queries(options_, sink_); }
  Result<void> operator()(const Explain& statement) { return explain(statement, catalog_, options_, sink_); }
  Result<void> operator()(const KillQuery& statement) {
    if (options_.running != nullptr && options_.running->kill(statement.id)) return {};
    return fail(ErrorCode::kNotFound, "no such query id: {}", statement.id);
  }
  Result<void> operator()(const ShowDatabases&) { return show_databases(engine_, sink_); }
  Result<void> operator()(const ShowRetentionPolicies& statement) { return show_retention_policies(TRY(catalog_.database(statement.database)), engine_, sink_); }
  Result<void> operator()(const ShowDiagnostics& statement) { return show_diagnostics(statement, options_, sink_); }

  // There are none of these, nor subscriptions, and that is the answer in the shape that clients look for.
  Result<void> operator()(const ShowUsers&) {
    sink_.columns({"user", "admin"}, false, nullptr);
    return sink_.empty_series("");
  }
  Result<void> operator()(const ShowContinuousQueries&) { return show_continuous_queries(engine_, sink_); }
  Result<void> operator()(const CreateContinuousQuery& statement) {
    if (statement.name.empty()) return fail(ErrorCode::kInvalidArgument, "invalid name");
    // What it could never do is said now.
    TRY(prepare_select(statement.select, options_.now_ns));
    TRY(Catalog(engine_, statement.database, "").bucket(*statement.select.target));
    return engine_.create_continuous_query(statement.database, {statement.name, std::string(text_)});
  }
  Result<void> operator()(const DropContinuousQuery& statement) { return engine_.drop_continuous_query(statement.database, statement.name); }
  Result<void> operator()(const ShowSubscriptions&) { return {}; }

  Result<void> operator()(const CreateDatabase& statement) {
    if (statement.name.empty()) return fail(ErrorCode::kInvalidArgument, "invalid name");
    if (!statement.with_policy) return engine_.create_database(statement.name);
    TRY(check_policy(statement.duration_ns.value_or(0), statement.replication.value_or(1)));
    tsdb::RetentionPolicy policy;
    policy.name = statement.policy_name.empty() ? "autogen" : statement.policy_name;
    policy.duration_ns = statement.duration_ns.value_or(0);
    policy.is_default = true;
    const std::vector<std::string> known = engine_.databases();
    const bool exists = std::find(known.begin(), known.end(), statement.name) != known.end();
    if (exists) return check_same_policy(statement, policy);
    TRY(engine_.create_database(statement.name));
    // A new database has "autogen", for ever; another one beside it becomes the default.
    if (policy.name == "autogen" && policy.duration_ns == 0) return {};
    return engine_.create_retention_policy(statement.name, policy);
  }

  Result<void> operator()(const DeleteStatement& statement) { return run_delete(statement, text_, engine_, catalog_, options_); }

  Result<void> operator()(const DropSeries& statement) { return run_drop_series(statement, text_, engine_, catalog_, options_); }
  Result<void> operator()(const DropMeasurement& statement) { return run_drop_measurement(statement, text_, engine_, catalog_, options_); }

  Result<void> operator()(const DropRetentionPolicy& statement) {
    audit::AuditEntry entry = audit_entry("drop_retention_policy", text_, options_);
    entry.database = statement.database;
    return audit::recorded(options_.audit, std::move(entry), [&](audit::AuditEntry&) { return engine_.drop_retention_policy(statement.database, statement.name); });
  }

  Result<void> operator()(const AlterRetentionPolicy& statement) {
    TRY(check_policy(statement.duration_ns.value_or(0), statement.replication.value_or(1)));
    return engine_.alter_retention_policy(statement.database, statement.name, statement.duration_ns, statement.is_default);
  }

  Result<void> operator()(const DropDatabase& statement) {
    audit::AuditEntry entry = audit_entry("drop_database", text_, options_);
    entry.database = statement.name;
    return audit::recorded(options_.audit, std::move(entry), [&](audit::AuditEntry& filled) {
      filled.series = count_series(statement.name);
      return engine_.drop_database(statement.name);
    });
  }

  Result<void> operator()(const CreateRetentionPolicy& statement) {
    if (statement.name.empty()) return fail(ErrorCode::kInvalidArgument, "invalid name");
    const std::string database = TRY(catalog_.database(statement.database));
    TRY(check_policy(statement.duration_ns, statement.replication));
    for (const tsdb::RetentionPolicy& each : TRY(engine_.retention_policies(database))) {
      if (each.name != statement.name) continue;
      if (each.duration_ns == statement.duration_ns && each.is_default == statement.is_default) return {};
      return fail(ErrorCode::kAlreadyExists, "retention policy already exists");
    }
    return engine_.create_retention_policy(database, {statement.name, statement.duration_ns, statement.is_default});
  }

  Result<void> operator()(const Unsupported& statement) { return fail(ErrorCode::kUnsupported, "{} is not supported", statement.what); }

 private:
  static Result<void> check_policy(int64_t duration_ns, int64_t replication) {
    if (duration_ns != 0 && duration_ns < kHourNs) return fail(ErrorCode::kInvalidArgument, "retention policy duration must be at least 1h0m0s");
    if (replication != 1) return fail(ErrorCode::kUnsupported, "replication must be 1: data is kept once, on this machine");
    return {};
  }

  Result<void> check_same_policy(const CreateDatabase& statement, const tsdb::RetentionPolicy& wanted) {
    for (const tsdb::RetentionPolicy& each : TRY(engine_.retention_policies(statement.name))) {
      if (each.is_default && each.name == wanted.name && each.duration_ns == wanted.duration_ns) return {};
    }
    return fail(ErrorCode::kAlreadyExists, "retention policy conflicts with an existing policy");
  }

  // 0 where the database is not there.
  uint64_t count_series(const std::string& database) const {
    uint64_t count = 0;
    const auto policies = engine_.retention_policies(database);
    if (!policies) return 0;
    for (const tsdb::RetentionPolicy& policy : *policies) {
      const auto bucket = engine_.bucket(database, policy.name);
      const auto reader = bucket ? engine_.reader(*bucket) : Result<std::shared_ptr<const tsdb::Reader>>(nullptr);
      if (!reader || !*reader) continue;
      for (const std::string& measurement : (*reader)->measurements()) count += (*reader)->series(measurement, {}).value_or(std::vector<tsdb::Series>()).size();
    }
    return count;
  }

  const std::string_view text_;
  tsdb::Engine& engine_;
  const RunOptions& options_;
  ResultSink& sink_;
  Catalog catalog_;
};

}  // namespace

audit::AuditEntry audit_entry(std::string_view kind, std::string_view text, const RunOptions& options) {
  return {.kind = std::string(kind), .who = options.user, .what = std::string(text), .why = options.reason};
}

Result<void> run(const Query& query, tsdb::Engine& engine, const RunOptions& options, ResultSink& sink) {
  for (size_t id = 0; id < query.statements.size(); ++id) {
    const Statement& statement = query.statements[id];
    sink.begin_statement(id);
    Result<void> done = std::visit(StatementRunner(statement.text, engine, options, sink), statement.body);
    if (done && options.is_read_only && writes(statement)) {
      sink.warn(fmt::format("deprecated use of '{}' in a read only context, please use a POST request instead", statement.text));
    }
    TRY(sink.end_statement(done ? std::nullopt : std::optional(done.error().message)));
    if (done) continue;
    if (id + 1 < query.statements.size()) {
      sink.begin_statement(id + 1);
      TRY(sink.end_statement("not executed"));
    }
    break;
  }
  return sink.finish();
}

}  // namespace campanile::query::influxql
