// Any bytes as line protocol: nothing is read outside, every line is a point or an error, and series keys are canonical.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "decoders/line_protocol/line_protocol.h"
#include "model/series_key.h"

using namespace campanile;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  PointBatch batch;
  decoders::LineErrors errors;
  decoders::LineCursor cursor;
  while (decoders::parse_some_lines(body, {.precision = decoders::Precision::kSeconds}, batch.size() + 2, cursor, batch, errors)) {
  }
  CHECK(cursor.offset == size);
  CHECK(batch.size() + errors.total <= size);
  for (const auto& point : batch.points()) {
    std::string key;
    append_series_key(key, point.measurement, batch.tags(point));
    CHECK(point.series_key.empty() || point.series_key == key);
    const auto name = parse_series_key(key);
    CHECK(name.has_value() && name->measurement == point.measurement && name->tags.size() == batch.tags(point).size());
    CHECK(point.fields_count > 0);
  }
  return 0;
}
