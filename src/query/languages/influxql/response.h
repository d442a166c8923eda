// The answers of /query: InfluxDB's JSON, CSV and MessagePack, in one piece or in chunks.
//
//   auto sink = make_response(Format::kJson, {.epoch_ns = 1'000'000}, [&](std::string piece) { responder.write(piece); return Result<void>(); });
//   TRY(run(query, engine, options, *sink));
//
// In chunks every line is a document of its own, with at most chunk_rows rows of one series, marked "partial" where more
// of the series or of the statement follows. Otherwise there is one piece, at the end.
// Threads: one owner. Limits: a piece of more than bytes_max -> kTooLarge.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "query/languages/influxql/result_sink.h"

namespace campanile::query::influxql {

enum class Format { kJson, kCsv, kMessagePack };

struct ResponseOptions {
  std::optional<int64_t> epoch_ns;  // the unit that times are told in; none: as RFC 3339
  bool pretty = false;
  uint64_t chunk_rows = 0;          // 0: not in chunks
  uint64_t bytes_max = 256ull << 20;
};

using EmitPiece = std::function<Result<void>(std::string piece)>;

std::unique_ptr<ResultSink> make_response(Format format, const ResponseOptions& options, EmitPiece emit);

// {"error":"…"} with a line end, or its form in CSV or MessagePack.
std::string error_response(Format format, bool pretty, std::string_view message);

}  // namespace campanile::query::influxql
