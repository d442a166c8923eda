#include "query/series_scan.h"

#include <algorithm>

#include "query/convert_number.h"

namespace campanile::query {
namespace {

using tsdb::ColumnValues;

template <typename To>
std::span<const To> convert_to(const ColumnValues& values, std::vector<To>& storage) {
  const auto fill = [&storage](const auto& from) {
    storage.clear();
    storage.reserve(from.size());
    for (const auto each : from) storage.push_back(convert_number<To>(each));
  };
  switch (values.type) {
    case FieldType::kFloat: fill(values.floats); break;
    case FieldType::kInteger: fill(values.integers); break;
    default: fill(values.unsigneds); break;
  }
  return storage;
}

ColumnValues part(const ColumnValues& values, size_t from, size_t count) {
  ColumnValues out;
  out.type = values.type;
  out.times_ns = values.times_ns.subspan(from, count);
  switch (values.type) {
    case FieldType::kFloat: out.floats = values.floats.subspan(from, count); break;
    case FieldType::kInteger: out.integers = values.integers.subspan(from, count); break;
    case FieldType::kUnsigned: out.unsigneds = values.unsigneds.subspan(from, count); break;
    case FieldType::kBoolean: out.booleans = values.booleans.subspan(from, count); break;
    case FieldType::kString: out.strings = values.strings.subspan(from, count); break;
  }
  return out;
}

// Copies the values [from, from + times.size()) of `source` to the places that hold their times.
template <typename T>
void scatter(std::span<const T> source, std::span<const int64_t> source_times, std::span<const int64_t> times, std::vector<T>& out,
             std::vector<uint8_t>& present) {
  out.assign(times.size(), T());
  present.assign(times.size(), 0);
  size_t at = 0;
  for (size_t i = 0; i < source.size(); ++i) {
    while (at < times.size() && times[at] < source_times[i]) ++at;
    if (at == times.size()) return;
    if (times[at] != source_times[i]) continue;
    out[at] = source[i];
    present[at] = 1;
  }
}

}  // namespace

bool is_convertible(FieldType from, FieldType to) {
  return from == to || (from <= FieldType::kUnsigned && to <= FieldType::kUnsigned);
}

bool convert(const ColumnValues& values, FieldType type, ConvertedStorage& storage, ColumnValues& out) {
  if (values.type == type) {
    out = values;
    return true;
  }
  if (!is_convertible(values.type, type)) return false;
  out = ColumnValues();
  out.type = type;
  out.times_ns = values.times_ns;
  if (type == FieldType::kFloat) out.floats = convert_to(values, storage.floats);
  if (type == FieldType::kInteger) out.integers = convert_to(values, storage.integers);
  if (type == FieldType::kUnsigned) out.unsigneds = convert_to(values, storage.unsigneds);
  return true;
}

struct SeriesScan::Column {
  size_t input = 0;
  FieldType type = FieldType::kFloat;
  bool makes_rows = true;
  std::unique_ptr<tsdb::ColumnCursor> cursor;
  bool done = false;
  ColumnValues block;
  ConvertedStorage converted;
  // What of the block is not handed out yet.
  size_t begin = 0;
  size_t end = 0;
  // The part of the present batch.
  ColumnValues taken;
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<uint64_t> unsigneds;
  std::vector<uint8_t> booleans;
  std::vector<std::string_view> strings;
  std::vector<uint8_t> present;

  void take(int64_t horizon_ns, bool ascending) {
    const auto first = block.times_ns.begin() + static_cast<ptrdiff_t>(begin);
    const auto last = block.times_ns.begin() + static_cast<ptrdiff_t>(end);
    if (ascending) {
      const auto cut = static_cast<size_t>(std::upper_bound(first, last, horizon_ns) - first);
      taken = part(block, begin, cut);
      begin += cut;
    } else {
      const auto cut = static_cast<size_t>(std::lower_bound(first, last, horizon_ns) - first);
      taken = part(block, begin + cut, end - begin - cut);
      end = begin + cut;
    }
  }

  void spread_over(std::span<const int64_t> times, BatchColumn& out) {
    out.absent = taken.size() == 0;
    if (out.absent) return;
    out.values = ColumnValues();
    out.values.type = type;
    out.values.times_ns = times;
    switch (type) {
      case FieldType::kFloat:
        scatter(taken.floats, taken.times_ns, times, floats, present);
        out.values.floats = floats;
        break;
      case FieldType::kInteger:
        scatter(taken.integers, taken.times_ns, times, integers, present);
        out.values.integers = integers;
        break;
      case FieldType::kUnsigned:
        scatter(taken.unsigneds, taken.times_ns, times, unsigneds, present);
        out.values.unsigneds = unsigneds;
        break;
      case FieldType::kBoolean:
        scatter(taken.booleans, taken.times_ns, times, booleans, present);
        out.values.booleans = booleans;
        break;
      case FieldType::kString:
        scatter(taken.strings, taken.times_ns, times, strings, present);
        out.values.strings = strings;
        break;
    }
    out.present = present;
  }
};

SeriesScan::SeriesScan() = default;
SeriesScan::SeriesScan(SeriesScan&&) noexcept = default;
SeriesScan& SeriesScan::operator=(SeriesScan&&) noexcept = default;
SeriesScan::~SeriesScan() = default;

Result<SeriesScan> SeriesScan::open(const tsdb::Reader& reader, tsdb::SeriesId series, std::span<const Input> inputs, tsdb::TimeRange range,
                                    bool ascending) {
  SeriesScan scan;
  scan.ascending_ = ascending;
  scan.batch_.columns.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].kind != Input::Kind::kField) continue;
    Column column;
    column.input = i;
    column.type = inputs[i].type;
    column.makes_rows = inputs[i].makes_rows;
    column.cursor = TRY(reader.column(series, inputs[i].name, range, ascending ? tsdb::Order::kAscending : tsdb::Order::kDescending));
    scan.columns_.push_back(std::move(column));
  }
  return scan;
}

// Gets a block for a column that has handed its last one out. False where the column is over.
Result<bool> SeriesScan::load(Column& column) {
  while (!column.done && column.begin == column.end) {
    if (!TRY(column.cursor->next())) {
      column.done = true;
      break;
    }
    const ColumnValues values = TRY(column.cursor->values());
    if (!convert(values, column.type, column.converted, column.block)) {
      column.done = true;
      break;
    }
    column.begin = 0;
    column.end = column.block.size();
  }
  return column.begin != column.end;
}

// False where no column can make a row any more. Otherwise sets the horizon: the end of the block that ends first.
Result<bool> SeriesScan::load_all() {
  bool more = false;
  bool first = true;
  for (Column& column : columns_) {
    if (!TRY(load(column))) continue;
    more |= column.makes_rows;
    const int64_t edge = column.block.times_ns[ascending_ ? column.end - 1 : column.begin];
    if (first || (ascending_ ? edge < horizon_ns_ : edge > horizon_ns_)) horizon_ns_ = edge;
    first = false;
  }
  return more;
}

Result<bool> SeriesScan::next() {
  for (;;) {
    for (BatchColumn& column : batch_.columns) column = BatchColumn();
    if (!TRY(load_all())) return false;
    const Column* model = nullptr;
    bool same_times = true;
    for (Column& column : columns_) {
      column.take(horizon_ns_, ascending_);
      if (column.taken.size() == 0) continue;
      if (model == nullptr) model = &column;
      same_times = same_times && std::equal(column.taken.times_ns.begin(), column.taken.times_ns.end(), model->taken.times_ns.begin(),
                                            model->taken.times_ns.end());
    }
    const bool any_makes_rows = std::any_of(columns_.begin(), columns_.end(), [](const Column& each) { return each.makes_rows && each.taken.size() > 0; });
    if (!any_makes_rows) continue;
    if (same_times) {
      share_times();
    } else {
      merge_times();
    }
    return true;
  }
}

void SeriesScan::share_times() {
  for (Column& column : columns_) {
    if (column.taken.size() == 0) continue;
    batch_.columns[column.input].absent = false;
    batch_.columns[column.input].values = column.taken;
    batch_.times_ns = column.taken.times_ns;
  }
}

void SeriesScan::merge_times() {
  times_.clear();
  for (const Column& column : columns_) {
    if (!column.makes_rows) continue;
    const size_t before = times_.size();
    times_.insert(times_.end(), column.taken.times_ns.begin(), column.taken.times_ns.end());
    std::inplace_merge(times_.begin(), times_.begin() + static_cast<ptrdiff_t>(before), times_.end());
  }
  times_.erase(std::unique(times_.begin(), times_.end()), times_.end());
  for (Column& column : columns_) column.spread_over(times_, batch_.columns[column.input]);
  batch_.times_ns = times_;
}

}  // namespace campanile::query
