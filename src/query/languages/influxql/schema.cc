#include "query/languages/influxql/schema.h"

namespace campanile::query::influxql {
namespace {

int rank(FieldType type) {
  switch (type) {
    case FieldType::kFloat: return 0;
    case FieldType::kInteger: return 1;
    case FieldType::kUnsigned: return 2;
    case FieldType::kString: return 3;
    case FieldType::kBoolean: return 4;
  }
  return 5;
}

}  // namespace

Schema::Schema(std::span<const query::Source> sources) {
  for (const query::Source& source : sources) {
    for (tsdb::FieldInfo& field : source.reader->fields(source.measurement)) {
      const auto [found, is_new] = fields_.try_emplace(std::move(field.name), field.type);
      if (!is_new && rank(field.type) < rank(found->second)) found->second = field.type;
    }
    for (std::string& key : source.reader->tag_keys(source.measurement)) tags_.insert(std::move(key));
  }
}

std::optional<FieldType> Schema::field(std::string_view name) const {
  const auto found = fields_.find(name);
  if (found == fields_.end()) return std::nullopt;
  return found->second;
}

}  // namespace campanile::query::influxql
