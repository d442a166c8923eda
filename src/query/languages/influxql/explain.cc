#include "query/languages/influxql/explain.h"

#include <algorithm>

#include "query/executor.h"
#include "query/group.h"
#include "query/languages/influxql/expression_builder.h"
#include "query/languages/influxql/functions.h"
#include "query/languages/influxql/planner.h"
#include "query/languages/influxql/subquery.h"
#include "query/tier_choice.h"

namespace campanile::query::influxql {
namespace {

// Counts what a query answers, and shows it to nobody.
class CountingSink final : public RowSink {
 public:
  Result<void> begin_series(std::string_view, const SeriesTags&) override {
    ++series_;
    return {};
  }
  Result<void> rows(const RowBatch& batch) override {
    rows_ += batch.size();
    return {};
  }
  uint64_t series() const { return series_; }
  uint64_t rows_seen() const { return rows_; }

 private:
  uint64_t series_ = 0;
  uint64_t rows_ = 0;
};

void add_calls(const Expr& expr, std::vector<const Expr*>& calls) {
  if (is_reading_call(expr)) calls.push_back(&expr);
  if (is_reading_call(expr)) return;
  for (const Expr& child : expr.children) add_calls(child, calls);
}

void add_references(const Expr& expr, std::vector<std::string>& names) {
  if (is_reading_call(expr)) return;
  if (expr.kind == Expr::Kind::kReference) names.push_back(to_string(expr));
  for (const Expr& child : expr.children) add_references(child, names);
}

std::string way_of(const SelectPlan& plan) {
  std::string way = plan.aggregates.empty() ? "points merged by time" : "aggregates, from the statistics of chunks where a window holds a chunk whole";
  if (!plan.stages.empty()) way += "; then a function over what comes";
  return way;
}

// Series that are read, and groups that are answered; every part reads the same ones.
Result<std::pair<uint64_t, uint64_t>> count_series(const SelectPlan& plan, const Context& context) {
  uint64_t series = 0;
  const std::vector<Group> groups = TRY(find_groups(plan.parts.empty() ? plan : plan.parts[0], context));
  for (const Group& group : groups) series += group.members.size();
  return std::pair(series, static_cast<uint64_t>(groups.size()));
}

class Lines {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    lines_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  Result<void> write(std::string_view column, ResultSink& sink) const {
    sink.columns({std::string(column)}, false, nullptr);
    TRY(sink.begin_series("", {}));
    RowBatch batch;
    batch.width = 1;
    for (const std::string& line : lines_) batch.values.emplace_back(FieldValue::of_string(line));
    return sink.rows(batch);
  }

 private:
  std::vector<std::string> lines_;
};

void add_tiers(const SelectPlan& plan, Lines& lines) {
  for (const query::Source& source : plan.sources) {
    if (!source.tiers.empty()) lines.add("TIERS OF {}: {}; points where these say nothing", source.name, fmt::join(source.tiers, ", then "));
  }
}

void add_expressions(const SelectStatement& statement, const Schema& schema, Lines& lines) {
  std::vector<const Expr*> calls;
  std::vector<std::string> names;
  std::vector<Expr> shown;
  for (const FieldExpr& field : statement.fields) shown.push_back(with_types(field.expr, schema));
  for (const Expr& each : shown) {
    add_calls(each, calls);
    add_references(each, names);
  }
  for (const Expr* const call : calls) lines.add("EXPRESSION: {}", to_string(*call));
  if (calls.empty()) lines.add("EXPRESSION: <nil>");
  if (!names.empty()) lines.add("AUXILIARY FIELDS: {}", fmt::join(names, ", "));
}

}  // namespace

Result<void> explain(const Explain& statement, Catalog& catalog, const RunOptions& options, ResultSink& sink) {
  const auto now_ns = [&]() -> int64_t { return options.steady_ns ? options.steady_ns() : 0; };
  const int64_t begun_ns = now_ns();
  const PreparedSelect prepared = TRY(prepare_select(statement.select, options.now_ns));
  std::vector<query::Source> sources = TRY(resolve_sources(statement.select, prepared, catalog, options.context));
  Lines lines;
  add_expressions(statement.select, Schema(sources), lines);
  SelectResult planned = TRY(plan_select(statement.select, prepared, std::move(sources)));
  if (planned.plan && catalog.tiers() != nullptr) TRY(use_tiers(*planned.plan, *catalog.tiers(), catalog.engine()));
  if (!planned.plan) {
    lines.add("NUMBER OF SERIES: 0");
    return lines.write(statement.analyze ? "EXPLAIN ANALYZE" : "QUERY PLAN", sink);
  }
  const SelectPlan& plan = *planned.plan;
  const auto [series, groups] = TRY(count_series(plan, options.context));
  lines.add("NUMBER OF SERIES: {}", series);
  lines.add("NUMBER OF GROUPS: {}", groups);
  if (plan.parts.empty()) lines.add("READ AS: {}", way_of(plan));
  for (size_t i = 0; i < plan.parts.size(); ++i) lines.add("PART {}: {}", i + 1, way_of(plan.parts[i]));
  add_tiers(plan, lines);
  for (const SelectPlan& part : plan.parts) add_tiers(part, lines);
  if (!statement.analyze) return lines.write("QUERY PLAN", sink);
  const int64_t planned_ns = now_ns();
  CountingSink counted;
  TRY(execute(plan, options.context, counted));
  lines.add("SERIES ANSWERED: {}", counted.series());
  lines.add("ROWS ANSWERED: {}", counted.rows_seen());
  lines.add("PLANNING TIME: {:.3f} ms", static_cast<double>(planned_ns - begun_ns) / 1e6);
  lines.add("EXECUTION TIME: {:.3f} ms", static_cast<double>(now_ns() - planned_ns) / 1e6);
  return lines.write("EXPLAIN ANALYZE", sink);
}

}  // namespace campanile::query::influxql
