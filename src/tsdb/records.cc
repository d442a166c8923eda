#include "tsdb/records.h"

#include "codec/varint.h"

namespace campanile::tsdb {
namespace {

using codec::ByteReader;

constexpr uint8_t kVersion = 1;
// Of a database change of a kind above kCreatePolicy, which programs before it do not know.
constexpr uint8_t kLaterChangesVersion = 2;
constexpr uint8_t kColumnDefinition = 1;
constexpr uint8_t kSeriesDefinition = 2;
constexpr uint8_t kSeriesRemoval = 3;
constexpr uint8_t kScaling = 1;
constexpr uint8_t kConstant = 2;

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorCode::kCorrupt, "journal record: {}", what); }

Result<void> check_version(ByteReader& in) {
  const uint8_t version = in.byte();
  if (!in.ok()) return corrupt("empty");
  if (version != kVersion) return fail(ErrorCode::kUnsupported, "journal record: format version {}, this program reads {}", version, kVersion);
  return {};
}

bool is_type(uint64_t type) { return type >= static_cast<uint8_t>(FieldType::kFloat) && type <= static_cast<uint8_t>(FieldType::kString); }

void append_value(std::string& out, const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat: codec::append_fixed(out, value.as_float()); break;
    case FieldType::kInteger: codec::append_signed(out, value.as_integer()); break;
    case FieldType::kUnsigned: codec::append_varint(out, value.as_unsigned()); break;
    case FieldType::kBoolean: out += static_cast<char>(value.as_boolean()); break;
    case FieldType::kString: codec::append_bytes(out, value.as_string()); break;
  }
}

FieldValue read_value(ByteReader& in, FieldType type) {
  switch (type) {
    case FieldType::kFloat: return FieldValue::of_float(in.fixed<double>());
    case FieldType::kInteger: return FieldValue::of_integer(in.signed_varint());
    case FieldType::kUnsigned: return FieldValue::of_unsigned(in.varint());
    case FieldType::kBoolean: return FieldValue::of_boolean(in.byte() != 0);
    case FieldType::kString: break;
  }
  return FieldValue::of_string(in.sized_bytes());
}

void append_correction(std::string& out, const ColumnCorrection& column) {
  codec::append_varint(out, column.column);
  if (const auto* const scaling = column.correction.scaling()) {
    out += static_cast<char>(kScaling);
    codec::append_fixed(out, scaling->factor);
    codec::append_fixed(out, scaling->offset);
    return;
  }
  const FieldValue& value = *column.correction.constant();
  out += static_cast<char>(kConstant);
  out += static_cast<char>(value.type());
  append_value(out, value);
}

Result<ColumnCorrection> read_correction(ByteReader& in) {
  const uint64_t column = in.varint();
  const uint8_t kind = in.byte();
  if (!in.ok() || column == 0 || column > kColumnsMax || (kind != kScaling && kind != kConstant)) return corrupt("bad correction");
  ColumnCorrection out{.column = static_cast<ColumnId>(column), .correction = {}};
  if (kind == kScaling) {
    const auto factor = in.fixed<double>();
    out.correction = Correction::scale(factor, in.fixed<double>());
    return out;
  }
  const uint8_t type = in.byte();
  if (!is_type(type)) return corrupt("bad correction");
  out.correction = Correction::set(read_value(in, static_cast<FieldType>(type)));
  return out;
}

uint64_t difference(uint64_t a, uint64_t b) { return codec::zigzag(static_cast<int64_t>(a - b)); }
uint64_t sum(uint64_t a, uint64_t difference) { return a + static_cast<uint64_t>(codec::unzigzag(difference)); }

}  // namespace

void PointsEncoder::begin(BucketId bucket) {
  payload_.clear();
  payload_ += static_cast<char>(kVersion);
  codec::append_varint(payload_, bucket);
  rows_ = 0;
  series_ = 0;
  time_ns_ = 0;
  shape_.clear();
}

void PointsEncoder::add_row(SeriesId series, int64_t time_ns, std::span<const Slot> slots) {
  bool same = shape_.size() == slots.size();
  for (size_t i = 0; same && i < slots.size(); ++i) same = shape_[i].first == slots[i].column && shape_[i].second == slots[i].value.type();
  char head[3 * codec::kVarintBytesMax];
  char* at = codec::write_varint(head, same ? 0 : slots.size());
  at = codec::write_varint(at, difference(series, series_));
  at = codec::write_varint(at, difference(static_cast<uint64_t>(time_ns), static_cast<uint64_t>(time_ns_)));
  payload_.append(head, static_cast<size_t>(at - head));
  if (!same) {
    shape_.clear();
    for (const Slot& slot : slots) {
      codec::append_varint(payload_, slot.column);
      payload_ += static_cast<char>(slot.value.type());
      shape_.emplace_back(slot.column, slot.value.type());
    }
  }
  for (const Slot& slot : slots) append_value(payload_, slot.value);
  series_ = series;
  time_ns_ = time_ns;
  ++rows_;
}

Result<BucketId> bucket_of_points(std::string_view payload) {
  ByteReader in(payload);
  TRY(check_version(in));
  const uint64_t bucket = in.varint();
  if (!in.ok() || bucket > UINT32_MAX) return corrupt("bad bucket");
  return static_cast<BucketId>(bucket);
}

Result<void> decode_points(std::string_view payload, const RowFunction& row) {
  ByteReader in(payload);
  TRY(check_version(in));
  in.varint();
  uint64_t series = 0;
  uint64_t time_ns = 0;
  std::vector<Slot> slots;
  std::vector<FieldType> types;
  while (!in.at_end()) {
    const uint64_t columns = in.varint();
    series = sum(series, in.varint());
    time_ns = sum(time_ns, in.varint());
    if (columns > 0) {
      if (columns > in.remaining()) return corrupt("more columns than bytes");
      slots.clear();
      types.clear();
      for (uint64_t i = 0; i < columns; ++i) {
        const uint64_t column = in.varint();
        const uint8_t type = in.byte();
        if (!in.ok() || column == 0 || column > UINT16_MAX || !is_type(type)) return corrupt("bad column");
        slots.push_back({.column = static_cast<ColumnId>(column), .value = {}});
        types.push_back(static_cast<FieldType>(type));
      }
    }
    if (slots.empty()) return corrupt("a row without columns");
    for (size_t i = 0; i < slots.size(); ++i) slots[i].value = read_value(in, types[i]);
    if (!in.ok()) return corrupt("cut short");
    row(series, static_cast<int64_t>(time_ns), slots);
  }
  return {};
}

void append_definition(std::string& payload, const Definition& definition) {
  if (payload.empty()) payload += static_cast<char>(kVersion);
  if (const auto* column = std::get_if<ColumnDefinition>(&definition)) {
    payload += static_cast<char>(kColumnDefinition);
    codec::append_varint(payload, column->bucket);
    codec::append_bytes(payload, column->measurement);
    codec::append_varint(payload, column->column);
    payload += static_cast<char>(column->type);
    codec::append_bytes(payload, column->field);
  } else if (const auto* removal = std::get_if<SeriesRemoval>(&definition)) {
    payload += static_cast<char>(kSeriesRemoval);
    codec::append_varint(payload, removal->bucket);
    codec::append_varint(payload, removal->series);
  } else {
    const auto& series = std::get<SeriesDefinition>(definition);
    payload += static_cast<char>(kSeriesDefinition);
    codec::append_varint(payload, series.bucket);
    codec::append_varint(payload, series.series);
    codec::append_bytes(payload, series.key);
  }
}

Result<void> decode_definitions(std::string_view payload, const std::function<Result<void>(const Definition&)>& apply) {
  ByteReader in(payload);
  TRY(check_version(in));
  while (!in.at_end()) {
    const uint8_t kind = in.byte();
    const uint64_t bucket = in.varint();
    if (bucket > UINT32_MAX) return corrupt("bad bucket");
    if (kind == kColumnDefinition) {
      ColumnDefinition column{.bucket = static_cast<BucketId>(bucket), .measurement = in.sized_bytes()};
      const uint64_t number = in.varint();
      const uint8_t type = in.byte();
      column.field = in.sized_bytes();
      if (!in.ok() || number == 0 || number > kColumnsMax || !is_type(type)) return corrupt("bad column definition");
      column.column = static_cast<ColumnId>(number);
      column.type = static_cast<FieldType>(type);
      TRY(apply(column));
    } else if (kind == kSeriesDefinition) {
      const SeriesDefinition series{.bucket = static_cast<BucketId>(bucket), .series = in.varint(), .key = in.sized_bytes()};
      if (!in.ok() || series.series == 0 || series.series > UINT32_MAX) return corrupt("bad series definition");
      TRY(apply(series));
    } else if (kind == kSeriesRemoval) {
      const SeriesRemoval removal{.bucket = static_cast<BucketId>(bucket), .series = in.varint()};
      if (!in.ok() || removal.series == 0 || removal.series > UINT32_MAX) return corrupt("bad series removal");
      TRY(apply(removal));
    } else {
      return corrupt("unknown kind of definition");
    }
  }
  return {};
}

journal::RecordType type_of(const RangeChange& change) {
  return std::holds_alternative<Erasure>(change.what) ? journal::RecordType::kErase : journal::RecordType::kCorrect;
}

std::string encode_range_change(const RangeChange& change) {
  std::string out;
  out += static_cast<char>(kVersion);
  codec::append_varint(out, change.bucket);
  codec::append_signed(out, change.range.from_ns);
  codec::append_signed(out, change.range.to_ns);
  codec::append_varint(out, change.series.size());
  SeriesId before = 0;
  for (const SeriesId series : change.series) {
    codec::append_varint(out, series - before);
    before = series;
  }
  if (const auto* const column = std::get_if<ColumnCorrection>(&change.what)) append_correction(out, *column);
  return out;
}

Result<RangeChange> decode_range_change(journal::RecordType type, std::string_view payload) {
  ByteReader in(payload);
  TRY(check_version(in));
  RangeChange change;
  const uint64_t bucket = in.varint();
  change.bucket = static_cast<BucketId>(bucket);
  change.range.from_ns = in.signed_varint();
  change.range.to_ns = in.signed_varint();
  const uint64_t count = in.varint();
  // Each takes a byte at least, so that nothing is allocated for a number that cannot be true.
  if (!in.ok() || bucket > UINT32_MAX || count > payload.size()) return corrupt("a change of a range that is cut off");
  change.series.reserve(count);
  SeriesId series = 0;
  for (uint64_t i = 0; i < count; ++i) {
    series += in.varint();
    change.series.push_back(series);
  }
  if (type == journal::RecordType::kCorrect) change.what = TRY(read_correction(in));
  if (!in.ok() || !in.at_end()) return corrupt("a change of a range with too few or too many bytes");
  return change;
}

std::string encode_database_change(const DatabaseChange& change) {
  std::string out;
  const bool is_later = change.kind > DatabaseChange::Kind::kCreatePolicy;
  out += static_cast<char>(is_later ? kLaterChangesVersion : kVersion);
  out += static_cast<char>(change.kind);
  codec::append_bytes(out, change.database);
  codec::append_bytes(out, change.policy);
  codec::append_varint(out, change.bucket);
  codec::append_signed(out, change.duration_ns);
  out += static_cast<char>(change.is_default);
  if (is_later) codec::append_bytes(out, change.text);
  return out;
}

Result<DatabaseChange> decode_database_change(std::string_view payload) {
  ByteReader in(payload);
  const uint8_t version = in.byte();
  if (in.ok() && version > kLaterChangesVersion) {
    return fail(ErrorCode::kUnsupported, "database change of format version {}, this program reads up to {}", version, kLaterChangesVersion);
  }
  DatabaseChange change{};
  const uint8_t kind = in.byte();
  const uint8_t last_kind = version < kLaterChangesVersion ? 3 : 7;
  change.kind = static_cast<DatabaseChange::Kind>(kind);
  change.database = in.sized_bytes();
  change.policy = in.sized_bytes();
  const uint64_t bucket = in.varint();
  change.duration_ns = in.signed_varint();
  change.is_default = in.byte() != 0;
  if (version == kLaterChangesVersion) change.text = in.sized_bytes();
  if (!in.ok() || !in.at_end() || version < kVersion || kind < 1 || kind > last_kind || bucket > UINT32_MAX) return corrupt("bad database change");
  change.bucket = static_cast<BucketId>(bucket);
  return change;
}

}  // namespace campanile::tsdb
