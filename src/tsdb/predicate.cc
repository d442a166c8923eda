#include "tsdb/predicate.h"

#include <mutex>
#include <shared_mutex>
#include <vector>

#include <re2/re2.h>

#include "tsdb/series_index.h"

namespace campanile::tsdb {
namespace {

Bitmap all_series(const TagIndex& tags, FairSharedMutex& gate) {
  const std::shared_lock lock(gate);
  return tags.all();
}

Bitmap equal(const TagIndex& tags, const TagPredicate& predicate, FairSharedMutex& gate) {
  const std::shared_lock lock(gate);
  return tags.equal(predicate.key, predicate.value);
}

Bitmap matches(const TagIndex& tags, const TagPredicate& predicate, FairSharedMutex& gate) {
  Bitmap out;
  if (!predicate.pattern) return out;
  for (size_t begin = 0;; begin += kSlice) {
    std::vector<std::string_view> values;
    {
      const std::shared_lock lock(gate);
      values = tags.values(predicate.key, begin, begin + kSlice);
    }
    if (values.empty()) break;
    std::vector<size_t> found;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].empty()) continue;  // nobody's; a tag with an empty value is no tag
      const re2::StringPiece value(values[i].data(), values[i].size());
      if (re2::RE2::PartialMatch(value, *predicate.pattern)) found.push_back(begin + i);
    }
    const std::shared_lock lock(gate);
    for (const size_t value : found) tags.add_series_of(predicate.key, value, out);
  }
  if (re2::RE2::PartialMatch(re2::StringPiece(), *predicate.pattern)) {
    const std::shared_lock lock(gate);
    out |= tags.equal(predicate.key, "");
  }
  return out;
}

}  // namespace

Bitmap matching_series(const TagIndex& tags, const TagPredicate& predicate, FairSharedMutex& gate) {
  using Kind = TagPredicate::Kind;
  switch (predicate.kind) {
    case Kind::kTrue: return all_series(tags, gate);
    case Kind::kFalse: return {};
    case Kind::kEqual: return equal(tags, predicate, gate);
    case Kind::kMatches: return matches(tags, predicate, gate);
    case Kind::kNotEqual: return all_series(tags, gate) - equal(tags, predicate, gate);
    case Kind::kNotMatches: return all_series(tags, gate) - matches(tags, predicate, gate);
    case Kind::kAnd: {
      Bitmap out = all_series(tags, gate);
      for (const TagPredicate& child : predicate.children) out &= matching_series(tags, child, gate);
      return out;
    }
    case Kind::kOr: {
      Bitmap out;
      for (const TagPredicate& child : predicate.children) out |= matching_series(tags, child, gate);
      return out;
    }
  }
  return {};
}

}  // namespace campanile::tsdb
