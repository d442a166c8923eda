#include "query/tiers.h"

#include <algorithm>

namespace campanile::query {
namespace {

void replace(std::string& text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
}

}  // namespace

IntervalSet TierCoverage::clean(std::string_view key, int64_t from_ns, int64_t to_ns) const {
  IntervalSet clean;
  clean.add(from_ns, std::min(to_ns, complete_to_ns));
  const auto leave_out = [&](const IntervalSet& what) {
    for (const auto& [from, to] : what.within(from_ns, to_ns)) clean.subtract(from, to);
  };
  leave_out(stale);
  if (series_stale.empty()) return clean;
  if (const auto own = series_stale.find(key); own != series_stale.end()) leave_out(own->second);
  return clean;
}

bool Tier::keeps(std::string_view field, Function function) const {
  const bool has_field = fields.empty() || std::ranges::find(fields, field) != fields.end();
  return has_field && std::ranges::find(functions, function) != functions.end();
}

std::string_view tier_aggregate(Function function) {
  switch (function) {
    case Function::kCount: return "count";
    case Function::kSum: return "sum";
    case Function::kMean: return "mean";
    case Function::kMin: return "min";
    case Function::kMax: return "max";
    case Function::kFirst: return "first";
    case Function::kLast: return "last";
    case Function::kStddev: return "stddev";
    case Function::kMedian: return "median";
    default: return "";
  }
}

std::string tier_column(std::string_view form, std::string_view aggregate, std::string_view field) {
  std::string name(form);
  // The field last: its name may hold anything.
  replace(name, "{aggregate}", aggregate);
  replace(name, "{field}", field);
  return name;
}

}  // namespace campanile::query
