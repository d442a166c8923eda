#include "decoders/json/json.h"

#include <string>
#include <unordered_set>

#include "base/text.h"
#include "decoders/json_document.h"

namespace campanile::decoders {
namespace {

constexpr size_t kFieldsMax = 1024;

// Walks the object and adds what it finds to the open point.
class Flattener {
 public:
  explicit Flattener(PointBatch& batch) : batch_(batch) {}

  Result<void> add_members(simdjson::dom::object object, const std::string& prefix) {
    for (const auto member : object) {
      if (member.key.empty()) return fail(ErrorCode::kInvalidArgument, "a key in the JSON object is empty");
      const bool is_time = prefix.empty() && (member.key == "time" || member.key == "timestamp");
      if (is_time) {
        if (const auto time = TRY(time_of(member.value))) batch_.set_time(*time);
      } else {
        TRY(add(prefix + std::string(member.key), member.value));
      }
    }
    return {};
  }

  size_t fields() const { return names_.size(); }

 private:
  Result<void> add(std::string name, simdjson::dom::element value) {
    using enum simdjson::dom::element_type;
    switch (value.type()) {
      case NULL_VALUE: return {};
      case OBJECT: return add_members(simdjson::dom::object(value), name + "_");
      // One type for all numbers: a sensor that sends 21 and then 21.5 must not fall out with its own column.
      case INT64:
      case UINT64:
      case DOUBLE: return add_field(std::move(name), FieldValue::of_float(double(value)));
      case BOOL: return add_field(std::move(name), FieldValue::of_boolean(bool(value)));
      case STRING:
      case ARRAY: return add_field(std::move(name), FieldValue::of_string(batch_.copy(text_of(value))));
    }
    return {};
  }

  Result<void> add_field(std::string name, FieldValue value) {
    if (names_.size() == kFieldsMax) return fail(ErrorCode::kInvalidArgument, "the JSON object has more than {} values", kFieldsMax);
    const std::string_view kept = batch_.copy(name);
    if (!names_.insert(kept).second) return fail(ErrorCode::kInvalidArgument, "the JSON object gives '{}' twice", excerpt(name));
    batch_.add_field(kept, value);
    return {};
  }

  PointBatch& batch_;
  std::unordered_set<std::string_view> names_;
};

}  // namespace

Result<Decoded> JsonDecoder::decode(const DecodeInput& input, PointBatch& batch) const {
  const simdjson::dom::object object = TRY(parse_json_object(input.payload));
  batch.begin_point(input.measurement);
  for (const Tag& tag : input.tags) batch.add_tag(tag.key, tag.value);
  Flattener flattener(batch);
  const auto added = flattener.add_members(object, "");
  if (!added || flattener.fields() == 0) {
    batch.abandon_point();
    if (!added) return std::unexpected(added.error());
    return Decoded{.ignored = true, .left_out = {}};
  }
  batch.end_point();
  return Decoded{};
}

}  // namespace campanile::decoders
