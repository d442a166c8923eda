// One call from query text to the answer that an InfluxDB client would read.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"
#include "query/languages/influxql/parser.h"
#include "query/languages/influxql/response.h"
#include "query/languages/influxql/influxql.h"

namespace campanile::query::testing {

struct InfluxOptions {
  std::string database = "db0";
  int64_t now_ns = 1'000'000'000'000;
  influxql::Format format = influxql::Format::kJson;
  influxql::ResponseOptions response{.epoch_ns = 1'000'000'000};
  bool is_read_only = false;
  Context context;
};

// The body as it would be sent, without its last line end; an error of the query as a whole as /query words it.
inline std::string influx(tsdb::Engine& engine, std::string_view text, const InfluxOptions& options = {}) {
  const auto query = influxql::parse(trim(text));
  std::string body;
  if (!query) {
    body = influxql::error_response(options.format, options.response.pretty, "error parsing query: " + query.error().message);
  } else {
    const auto sink = influxql::make_response(options.format, options.response, [&](std::string piece) -> Result<void> {
      body += piece;
      return {};
    });
    const influxql::RunOptions run_options{.database = options.database, .now_ns = options.now_ns, .is_read_only = options.is_read_only,
                                           .version = "1.8.10", .context = options.context};
    const auto done = influxql::run(*query, engine, run_options, *sink);
    if (!done) body += "stopped: " + done.error().message;
  }
  if (body.ends_with('\n')) body.pop_back();
  return body;
}

}  // namespace campanile::query::testing
