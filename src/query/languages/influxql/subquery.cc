#include "query/languages/influxql/subquery.h"

#include <algorithm>

#include "query/executor.h"
#include "query/languages/influxql/functions.h"
#include "query/result_reader.h"
#include "query/tier_choice.h"

namespace campanile::query::influxql {
namespace {

// Of the ends of two ranges, the one further inside.
void narrow(std::optional<int64_t>& own, const std::optional<int64_t>& outer, bool is_lower) {
  if (!outer) return;
  own = !own ? *outer : is_lower ? std::max(*own, *outer) : std::min(*own, *outer);
}

void inherit(PreparedSelect& prepared, const PreparedSelect& outer, const SelectStatement& statement) {
  narrow(prepared.condition.from_ns, outer.condition.from_ns, true);
  narrow(prepared.condition.to_ns, outer.condition.to_ns, false);
  for (const std::string& key : outer.grouping.tags) {
    if (std::ranges::find(prepared.grouping.tags, key) == prepared.grouping.tags.end()) prepared.grouping.tags.push_back(key);
  }
  const bool calls = std::ranges::any_of(statement.fields, [](const FieldExpr& field) { return has_reading_call(field.expr); });
  if (calls && !prepared.grouping.window) prepared.grouping.window = outer.grouping.window;
}

Result<void> add_rows_of(const SelectStatement& subquery, const SelectStatement& outer, const PreparedSelect& outer_prepared, Catalog& catalog,
                         const Context& context, std::vector<query::Source>& out) {
  if (subquery.is_ordered && subquery.ascending != outer.ascending) {
    return fail(ErrorCode::kInvalidArgument, "subqueries must be ordered in the same direction as the query itself");
  }
  SelectStatement statement = subquery;
  statement.ascending = outer.ascending;
  // Rows of nulls alone would tell the outer query nothing.
  if (statement.fill == FillKind::kNull) statement.fill = FillKind::kNone;
  PreparedSelect prepared = TRY(prepare_select(subquery, outer_prepared.now_ns));
  inherit(prepared, outer_prepared, statement);
  SelectResult planned = TRY(plan_over(statement, prepared, catalog, context));
  if (!planned.plan) return {};
  planned.columns.erase(planned.columns.begin());  // the time
  ResultCollector collector(std::move(planned.columns), statement.ascending, context.limits);
  TRY(execute(*planned.plan, context, collector));
  const std::shared_ptr<const tsdb::Reader> reader = collector.finish();
  for (const std::string& name : reader->measurements()) out.push_back({.name = name, .measurement = name, .reader = reader, .range = tsdb::TimeRange{}, .bucket = {}, .tiers = {}});
  return {};
}

}  // namespace

Result<SelectResult> plan_over(const SelectStatement& statement, const PreparedSelect& prepared, Catalog& catalog, const Context& context) {
  SelectResult planned = TRY(plan_select(statement, prepared, TRY(resolve_sources(statement, prepared, catalog, context))));
  if (planned.plan && catalog.tiers() != nullptr) TRY(use_tiers(*planned.plan, *catalog.tiers(), catalog.engine()));
  return planned;
}

Result<std::vector<query::Source>> resolve_sources(const SelectStatement& statement, const PreparedSelect& prepared, Catalog& catalog, const Context& context) {
  std::vector<Source> measurements;
  std::ranges::copy_if(statement.sources, std::back_inserter(measurements), [](const Source& source) { return !source.subquery; });
  std::vector<query::Source> out = TRY(catalog.sources(measurements));
  for (const Source& source : statement.sources) {
    if (source.subquery) TRY(add_rows_of(*source.subquery, statement, prepared, catalog, context, out));
  }
  return out;
}

}  // namespace campanile::query::influxql
