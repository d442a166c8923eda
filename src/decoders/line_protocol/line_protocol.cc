#include "decoders/line_protocol/line_protocol.h"

#include <mutex>

#include <fmt/format.h>

#include "decoders/line_protocol/line_parser.h"

namespace campanile::decoders {

bool parse_some_lines(std::string_view body, const LineOptions& options, size_t points_max, LineCursor& cursor, PointBatch& batch,
                      LineErrors& errors) {
  const std::unique_lock lock = options.known ? std::unique_lock(*options.known) : std::unique_lock<KnownSeries>();
  LineParser parser(body, options, cursor, batch, errors);
  while (parser.skip_to_line()) {
    if (batch.size() >= points_max) return true;
    parser.parse_line();
  }
  return false;
}

void parse_lines(std::string_view body, const LineOptions& options, PointBatch& batch, LineErrors& errors) {
  LineCursor cursor;
  parse_some_lines(body, options, SIZE_MAX, cursor, batch, errors);
}

std::string describe(const LineErrors& errors) {
  std::string out;
  for (const LineError& error : errors.first) {
    if (!out.empty()) out += '\n';
    out += error.message;
  }
  if (errors.total > errors.first.size()) out += fmt::format("\nand {} more bad lines", errors.total - errors.first.size());
  return out;
}

Result<Decoded> LineProtocolDecoder::decode(const DecodeInput& input, PointBatch& batch) const {
  const size_t size_before = batch.size();
  LineErrors errors;
  LineCursor cursor;
  parse_some_lines(input.payload, {.tags = input.tags}, SIZE_MAX, cursor, batch, errors);
  const bool adds_points = batch.size() > size_before;
  if (errors.total == 0) return Decoded{.ignored = !adds_points, .left_out = {}};
  std::string reason = errors.total == 1 ? fmt::format("line {}: {}", errors.first[0].line, errors.first[0].message)
                                         : fmt::format("{} bad lines, first line {}: {}", errors.total, errors.first[0].line, errors.first[0].message);
  if (!adds_points) return fail(ErrorCode::kInvalidArgument, "{}", reason);
  return Decoded{.ignored = false, .left_out = std::move(reason)};
}

}  // namespace campanile::decoders
