// Schema: the fields and tags of the measurements in a FROM clause, taken together.
//
//   Schema schema(sources);
//   if (auto type = schema.field("usage")) ...
//
// Threads: immutable once made.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "query/plan.h"

namespace campanile::query::influxql {

class Schema {
 public:
  explicit Schema(std::span<const query::Source> sources);

  // Where measurements differ the type that holds most: float, integer, unsigned, string, boolean.
  std::optional<FieldType> field(std::string_view name) const;
  bool is_tag(std::string_view name) const { return tags_.contains(name); }
  const std::map<std::string, FieldType, std::less<>>& fields() const { return fields_; }
  const std::set<std::string, std::less<>>& tags() const { return tags_; }

 private:
  std::map<std::string, FieldType, std::less<>> fields_;
  std::set<std::string, std::less<>> tags_;
};

}  // namespace campanile::query::influxql
