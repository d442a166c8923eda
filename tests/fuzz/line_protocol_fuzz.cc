// Any bytes as line protocol: nothing is read outside, every line is a point or an error, series keys are canonical, and a series that is known means
// what it means when its text is taken apart.

#include <cstdint>
#include <map>
#include <string>

#include "base/check.h"
#include "decoders/line_protocol/line_protocol.h"
#include "model/series_key.h"

using namespace campanile;

namespace {

class SeriesOf final : public KnownSeries {
 public:
  explicit SeriesOf(const PointBatch& batch) {
    for (const auto& point : batch.points()) {
      std::string key;
      append_series_key(key, point.measurement, batch.tags(point));
      measurements_.emplace(std::move(key), point.measurement);
    }
  }
  void lock() override {}
  void unlock() override {}
  Found find(std::string_view key) override {
    const auto found = measurements_.find(std::string(key));
    return found == measurements_.end() ? Found{} : Found{&found->second, found->second};
  }

 private:
  std::map<std::string, std::string> measurements_;
};

// Lines of series that are known mean what they mean otherwise.
void parse_again(std::string_view body, const PointBatch& expected, size_t errors_expected) {
  SeriesOf known(expected);
  PointBatch batch;
  decoders::LineErrors errors;
  decoders::parse_lines(body, {.precision = decoders::Precision::kSeconds, .known = &known}, batch, errors);
  CHECK(errors.total == errors_expected && batch.size() == expected.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto& point = batch.points()[i];
    const auto& other = expected.points()[i];
    std::string key;
    append_series_key(key, other.measurement, expected.tags(other));
    CHECK(point.measurement == other.measurement && point.time_ns == other.time_ns && point.line == other.line);
    CHECK(!point.series || point.series_key == key);
    CHECK(point.fields_count == other.fields_count);
  }
}

}  // namespace

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
  parse_again(body, batch, errors.total);
  return 0;
}
