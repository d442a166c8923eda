#include "decoders/neocampus/neocampus.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "base/text.h"
#include "decoders/json_document.h"

namespace campanile::decoders {
namespace {

using simdjson::dom::element;

constexpr std::string_view kDefaultLocation = "ut3";
// The tags whose values are lower-cased, in the order of their keys, so that the series key needs no sorting.
constexpr std::array<std::string_view, 4> kPlaceTags{"building", "kind", "location", "room"};
// Keys of messages that answer an order or announce a device, and hold no reading.
constexpr std::array<std::string_view, 7> kStatusKeys{"frequency", "sensors", "status", "modules", "order", "sensitivity", "threshold"};

// The members of a payload that matter here.
struct Message {
  std::optional<element> value;
  std::optional<element> value_units;
  std::optional<element> type;
  std::optional<element> unit_id;
  std::optional<element> sub_id;
  std::optional<element> status;
  std::optional<element> time;
  bool is_stop_order = false;
  bool has_status_key = false;
};

Message read_members(simdjson::dom::object object) {
  Message message;
  for (const auto [key, value] : object) {
    if (std::ranges::find(kStatusKeys, key) != kStatusKeys.end()) message.has_status_key = true;
    if (key == "value") message.value = value;
    else if (key == "value_units") message.value_units = value;
    else if (key == "type") message.type = value;
    else if (key == "unitID") message.unit_id = value;
    else if (key == "subID") message.sub_id = value;
    else if (key == "status") message.status = value;
    else if (key == "order") message.is_stop_order = text_of(value) == "stop";
    else if (key == "datatime" || key == "timestamp" || key == "time") message.time = value;
  }
  return message;
}

std::string_view route_tag(const DecodeInput& input, std::string_view key) {
  const auto found = std::ranges::find(input.tags, key, &Tag::key);
  return found == input.tags.end() ? std::string_view() : found->value;
}

std::string kind_of(const DecodeInput& input) {
  const std::string_view from_route = route_tag(input, "kind");
  return to_lower(from_route.empty() ? input.topic.substr(input.topic.rfind('/') + 1) : from_route);
}

// <building>_<room>; outside/ambient/rain has neither, its first two levels stand in.
std::string default_unit_id(const DecodeInput& input) {
  const std::string_view building = route_tag(input, "building");
  const std::string_view room = route_tag(input, "room");
  if (!building.empty() && !room.empty()) return to_lower(fmt::format("{}_{}", building, room));
  const size_t second_slash = input.topic.find('/', input.topic.find('/') + 1);
  std::string id = to_lower(input.topic.substr(0, second_slash));
  std::ranges::replace(id, '/', '_');
  return id;
}

std::string tag_text(const std::optional<element>& member) {
  if (!member || member->is_null()) return {};
  return to_lower(text_of(*member));
}

Result<double> finite(double number, std::string_view text) {
  if (!std::isfinite(number)) return fail(ErrorCode::kInvalidArgument, "value '{}' is not a finite number", excerpt(text));
  return number;
}

// The number that a value stands for, or nothing where it is a text, a list or an object.
Result<std::optional<double>> number_of(element value) {
  using enum simdjson::dom::element_type;
  switch (value.type()) {
    case INT64:
    case UINT64:
    case DOUBLE: return double(value);
    case BOOL: return bool(value) ? 1.0 : 0.0;
    case NULL_VALUE: return fail(ErrorCode::kInvalidArgument, "value is null");
    case STRING: {
      // The oldest devices send "15.00".
      const std::string_view text = trim(std::string_view(value));
      const auto number = parse_double(text);
      if (!number) return std::nullopt;
      return TRY(finite(*number, text));
    }
    default: return std::nullopt;
  }
}

Result<void> add_value(const DecodeInput& input, std::string_view kind, element value, PointBatch& batch) {
  const bool wants_number = kind == "temperature" || kind == "pressure" || kind == "humidity";
  auto number = TRY(number_of(value));
  if (!number && wants_number) {
    return fail(ErrorCode::kInvalidArgument, "value '{}' is not a number, which {} has to be", excerpt(text_of(value)), excerpt(kind));
  }
  if (number) {
    if (kind == "humidity") *number = std::trunc(*number);
    batch.add_field(input.field, FieldValue::of_float(*number));
  } else {
    batch.add_field(batch.copy(std::string(input.field) + "_text"), FieldValue::of_string(batch.copy(text_of(value))));
  }
  return {};
}

void add_units(const Message& message, std::string_view kind, PointBatch& batch) {
  const auto& units = kind == "digital" && message.type ? message.type : message.value_units;
  if (!units || units->is_null()) return;
  const std::string text = text_of(*units);
  if (!text.empty()) batch.add_field("value_units", FieldValue::of_string(batch.copy(text)));
}

void add_tags(const DecodeInput& input, const Message& message, std::string_view kind, PointBatch& batch) {
  for (const std::string_view key : kPlaceTags) {
    std::string value = key == "kind" ? std::string(kind) : to_lower(route_tag(input, key));
    if (value.empty() && key == "location") value = kDefaultLocation;
    if (!value.empty()) batch.add_tag(key, batch.copy(value));
  }
  const auto is_given = [&input](std::string_view key) { return !route_tag(input, key).empty(); };
  const std::string sub_id = tag_text(message.sub_id);
  if (!sub_id.empty() && !is_given("subID")) batch.add_tag("subID", batch.copy(sub_id));
  std::string unit_id = tag_text(message.unit_id);
  if (unit_id.empty()) unit_id = default_unit_id(input);
  if (!is_given("unitID")) batch.add_tag("unitID", batch.copy(unit_id));
  // Tags that the operator gave the route stay as written.
  for (const Tag& tag : input.tags) {
    if (std::ranges::find(kPlaceTags, tag.key) == kPlaceTags.end()) batch.add_tag(tag.key, tag.value);
  }
}

Result<void> fill_point(const DecodeInput& input, const Message& message, std::string_view kind, element value, PointBatch& batch) {
  add_tags(input, message, kind, batch);
  TRY(add_value(input, kind, value, batch));
  add_units(message, kind, batch);
  if (!message.time) return {};
  if (const auto time = TRY(time_of(*message.time))) batch.set_time(*time);
  return {};
}

}  // namespace

Result<Decoded> NeocampusDecoder::decode(const DecodeInput& input, PointBatch& batch) const {
  const Message message = read_members(TRY(parse_json_object(input.payload)));
  const std::string kind = kind_of(input);
  auto value = message.value;
  // A shutter tells where it stands when it has been stopped.
  if (!value && kind == "shutter" && message.is_stop_order) value = message.status;
  if (!value) {
    if (message.has_status_key) return Decoded{.ignored = true, .left_out = {}};
    return fail(ErrorCode::kInvalidArgument, "the JSON object has no value: '{}'", excerpt(input.payload));
  }
  batch.begin_point(input.measurement);
  if (const auto filled = fill_point(input, message, kind, *value, batch); !filled) {
    batch.abandon_point();
    return std::unexpected(filled.error());
  }
  batch.end_point();
  return Decoded{};
}

}  // namespace campanile::decoders
