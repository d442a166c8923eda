// Line protocol: InfluxDB's text form of points, on the write path of HTTP and as a decoder for messages.
//
//   LineErrors errors;
//   parse_lines("cpu,host=a usage=1.5 1700000000\n", {.precision = Precision::kSeconds}, batch, errors);
//
// A bad line is left out and reported with its number and InfluxDB's words; the others are added. Where a line's measurement and tags
// already stand in canonical form, the point gets its series key for free (model/series_key.h).
// Ownership: names and values are views into the body, which must outlive the batch's use; what had to be unescaped is in the batch.
// Threads: pure functions. Limits: kErrorsKeptMax errors in words, all of them counted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/decoder.h"
#include "model/known_series.h"

namespace campanile::decoders {

enum class Precision { kNanoseconds, kMicroseconds, kMilliseconds, kSeconds, kMinutes, kHours };

struct LineError {
  uint32_t line;        // from 1
  std::string message;  // InfluxDB's: unable to parse 'cpu,host= value=1': missing tag value
};

struct LineErrors {
  static constexpr size_t kErrorsKeptMax = 100;

  size_t total = 0;
  size_t dropped = 0;  // of these, lines that parse but name a field or tag that cannot be: InfluxDB counts them as dropped points
  std::vector<LineError> first;
};

struct LineOptions {
  Precision precision = Precision::kNanoseconds;
  std::span<const Tag> tags;  // for every point; a line's own tag of that key wins
  // Series that need not be taken apart: their points get the series instead of tags. With tags for every point it is not asked.
  KnownSeries* known = nullptr;
};

// Where parsing goes on.
struct LineCursor {
  size_t offset = 0;
  uint32_t line = 1;
};

// Parses from the cursor, with `known` locked, until the batch holds `points_max` points or the body ends; true while something is left.
bool parse_some_lines(std::string_view body, const LineOptions& options, size_t points_max, LineCursor& cursor, PointBatch& batch,
                      LineErrors& errors);

// Parses all of the body into one batch.
void parse_lines(std::string_view body, const LineOptions& options, PointBatch& batch, LineErrors& errors);

// The messages of the errors, one a line, with a count of those that were not kept.
std::string describe(const LineErrors& errors);

class LineProtocolDecoder final : public Decoder {
 public:
  std::string_view name() const override { return "line_protocol"; }
  Result<Decoded> decode(const DecodeInput& input, PointBatch& batch) const override;
};

}  // namespace campanile::decoders
