#include "api/influx_query.h"

#include <atomic>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "api/authentication.h"
#include "api/gzip.h"
#include "api/health.h"
#include "base/text.h"
#include "query/languages/influxql/parser.h"
#include "query/languages/influxql/response.h"
#include "query/languages/influxql/influxql.h"

namespace campanile::api {
namespace {

namespace influxql = query::influxql;
using influxql::Format;
using influxql::Parameter;
using influxql::Parameters;
using influxql::TokenKind;

// Every byte of a form may take three.
constexpr size_t kFormBytesMax = 3 * influxql::kQueryBytesMax + 64 * 1024;
constexpr size_t kHeaderTextBytesMax = 512;
constexpr size_t kShownQueryBytesMax = 64 * 1024;
constexpr uint64_t kDefaultChunkRows = 10'000;

// For logs on both sides: the client's own identifier, or a new one that looks like InfluxDB's.
std::string request_id(const net::HttpRequest& request) {
  for (const std::string_view name : {"X-Request-Id", "Request-Id"}) {
    if (const auto given = request.header(name); given && !given->empty()) return excerpt(*given, 128);
  }
  static std::atomic<uint64_t> requests{0};
  return fmt::format("00000000-0000-11f0-8001-{:012x}", ++requests & 0xffff'ffff'ffff);
}

std::optional<int64_t> epoch_unit(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == "u" || text == "us" || text == "µ" || text == "µs") return kNanosPerMicro;
  if (text == "ms") return kNanosPerMilli;
  if (text == "s") return kNanosPerSecond;
  if (text == "m") return 60 * kNanosPerSecond;
  if (text == "h") return 3600 * kNanosPerSecond;
  return 1;  // "ns", and as InfluxDB has it everything else
}

Format format_of(const net::HttpRequest& request) {
  const std::string accept = to_lower(request.header("Accept").value_or(""));
  if (accept.find("application/x-msgpack") != std::string::npos) return Format::kMessagePack;
  return accept.find("text/csv") != std::string::npos || accept.find("application/csv") != std::string::npos ? Format::kCsv : Format::kJson;
}

// A value of the "params" object as what stands for $name. What cannot be is an error once the query uses it.
Parameter to_parameter(const boost::json::value& value);

Parameter cannot_bind(std::string_view type) {
  return {TokenKind::kParameter, fmt::format("unable to bind parameter with type {}", type)};
}

// {"regex": "a|b"}, {"identifier": "usage"}, {"duration": "1h"}: a value that says what it is.
Parameter to_typed_parameter(const boost::json::object& object) {
  if (object.size() != 1) return {TokenKind::kParameter, "bound object parameter value must have exactly one entry"};
  const std::string_view type(object.begin()->key().data(), object.begin()->key().size());
  const boost::json::value& value = object.begin()->value();
  const auto as = [&](TokenKind kind) -> Parameter {
    if (!value.is_string()) return {TokenKind::kParameter, fmt::format("{}: bad type", type)};
    return {kind, std::string(value.get_string())};
  };
  if (type == "regex") return as(TokenKind::kRegex);
  if (type == "ident" || type == "identifier") return as(TokenKind::kIdentifier);
  if (type == "string") return as(TokenKind::kString);
  if (type == "duration" && value.is_int64()) return {TokenKind::kDurationValue, influxql::format_duration(value.get_int64())};
  if (type == "duration") return as(TokenKind::kDurationValue);
  const bool is_number = type == "number" || type == "float" || type == "int" || type == "integer";
  if (is_number && value.is_number()) return to_parameter(value);
  return {TokenKind::kParameter, fmt::format("unknown bind object type: {}", excerpt(type))};
}

Parameter to_parameter(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::string: return {TokenKind::kString, std::string(value.get_string())};
    case boost::json::kind::bool_: return {value.get_bool() ? TokenKind::kTrue : TokenKind::kFalse, {}};
    case boost::json::kind::int64: return {TokenKind::kInteger, fmt::format("{}", value.get_int64())};
    case boost::json::kind::uint64: return {TokenKind::kInteger, fmt::format("{}", value.get_uint64())};
    case boost::json::kind::double_: return {TokenKind::kNumber, fmt::format("{}", value.get_double())};
    case boost::json::kind::object: return to_typed_parameter(value.get_object());
    case boost::json::kind::array: return cannot_bind("[]interface {}");
    case boost::json::kind::null: break;
  }
  return cannot_bind("<nil>");
}

Result<Parameters> parse_parameters(std::string_view text) {
  Parameters parameters;
  if (text.empty()) return parameters;
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
  if (error) return fail(ErrorCode::kInvalidArgument, "error parsing query parameters: {}", error.message());
  if (!value.is_object()) return fail(ErrorCode::kInvalidArgument, "error parsing query parameters: a JSON object is wanted");
  for (const auto& [name, each] : value.get_object()) parameters.emplace(std::string(name), to_parameter(each));
  return parameters;
}

std::vector<std::pair<std::string, std::string>> form_of(const net::HttpRequest& request) {
  const std::string type = to_lower(request.header("Content-Type").value_or(""));
  if (request.method != "POST" || !type.starts_with("application/x-www-form-urlencoded")) return {};
  return net::parse_form(request.body);
}

}  // namespace

// A request, read.
struct InfluxQueryResource::Asked {
  std::string text;
  influxql::RunOptions run;
  influxql::ResponseOptions response;
  Format format = Format::kJson;
  std::string parameters;
  bool wants_gzip = false;
  net::HttpHeaders headers;

  net::HttpResponse error(int status, std::string_view message) const {
    net::HttpResponse made{.status = status, .headers = headers, .body = influxql::error_response(format, response.pretty, message)};
    made.headers.emplace_back("X-Influxdb-Error", excerpt(message, kHeaderTextBytesMax));
    if (status == 503) made.headers.emplace_back("Retry-After", "1");
    return made;
  }
};

InfluxQueryResource::InfluxQueryResource(tsdb::Engine& engine, const Clock& clock, InfluxQueryOptions options, Background run_in_background)
    : engine_(engine), clock_(clock), options_(std::move(options)), run_in_background_(std::move(run_in_background)), running_([&clock] { return clock.steady_ns(); }) {}

void InfluxQueryResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  auto asked = std::make_shared<Asked>();
  asked->format = format_of(request);
  const std::string id = request_id(request);
  asked->headers = {{"Content-Type", asked->format == Format::kCsv ? "text/csv" : asked->format == Format::kMessagePack ? "application/x-msgpack" : "application/json"},
                    {"Request-Id", id},
                    {"X-Influxdb-Build", "OSS"},
                    {"X-Influxdb-Version", std::string(kInfluxVersion)},
                    {"X-Request-Id", id}};
  if (request.body.size() > kFormBytesMax) return responder.respond(asked->error(413, "Request Entity Too Large"));
  const auto form = form_of(request);
  // A form's own values come before those of the address.
  const auto parameter = [&](std::string_view name) -> std::string_view {
    for (const auto& [key, value] : form) {
      if (key == name) return value;
    }
    return request.parameter(name).value_or("");
  };
  asked->response.epoch_ns = epoch_unit(parameter("epoch"));
  asked->response.pretty = parameter("pretty") == "true";
  asked->response.bytes_max = options_.response_bytes_max;
  if (parameter("chunked") == "true") {
    const Result<uint64_t> rows = parse_uint64(parameter("chunk_size"));
    asked->response.chunk_rows = rows && *rows > 0 ? *rows : kDefaultChunkRows;
  }
  asked->text = std::string(trim(parameter("q")));
  if (asked->text.empty()) return responder.respond(asked->error(400, "missing required parameter \"q\""));
  asked->parameters = std::string(parameter("params"));
  asked->wants_gzip = accepts_gzip(request.header("Accept-Encoding").value_or(""));
  asked->run = {.database = std::string(parameter("db")),
                .retention_policy = std::string(parameter("rp")),
                .now_ns = clock_.now_ns(),
                .is_read_only = request.method == "GET",
                .version = options_.version,
                .context = {.limits = options_.limits, .help = options_.help, .helpers_max = options_.helpers_max, .cancelled_message = "query-timeout limit exceeded"},
                .tiers = options_.tiers,
                .reads_tiers = parameter("tiers") != "off",
                .audit = options_.audit,
                .user = requester(request),
                .reason = std::string(parameter("reason"))};
  // Shared, because a refused task is gone and the refusal still needs the responder.
  auto shared = std::make_shared<net::HttpResponder>(std::move(responder));
  const bool is_taken = run_in_background_([this, shared, asked] { answer(*asked, *shared); });
  if (!is_taken) shared->respond(asked->error(503, "too many queries wait for a worker; try again in a second"));
}

void InfluxQueryResource::answer(const Asked& asked, net::HttpResponder& responder) const {
  const Result<Parameters> parameters = parse_parameters(asked.parameters);
  if (!parameters) return responder.respond(asked.error(400, parameters.error().message));
  const Result<influxql::Query> query = influxql::parse(asked.text, *parameters);
  if (!query) return responder.respond(asked.error(400, "error parsing query: " + query.error().message));

  influxql::RunOptions run = asked.run;
  const int64_t timeout_ns = std::chrono::nanoseconds(options_.timeout).count();
  const int64_t started_ns = clock_.steady_ns();
  const query::RunningQueries::Entry entry = running_.begin(excerpt(asked.text, kShownQueryBytesMax), run.database);
  run.running = &running_;
  run.steady_ns = [this] { return clock_.steady_ns(); };
  run.context.seed = static_cast<uint64_t>(run.now_ns);
  run.context.killed = [&] { return entry.killed(); };
  run.context.cancelled = [&] { return entry.killed() || responder.client_gone() || (timeout_ns > 0 && clock_.steady_ns() - started_ns > timeout_ns); };

  const bool in_chunks = asked.response.chunk_rows > 0;
  net::HttpResponse whole{.status = 200, .headers = asked.headers};
  bool begun = false;
  const auto emit = [&](std::string piece) -> Result<void> {
    if (!in_chunks) {
      whole.body += piece;
      return {};
    }
    if (!std::exchange(begun, true)) responder.begin(200, asked.headers);
    if (!responder.write(std::move(piece))) return fail(ErrorCode::kCancelled, "the client has gone");
    return {};
  };
  const auto sink = influxql::make_response(asked.format, asked.response, emit);
  const Result<void> done = influxql::run(*query, engine_, run, *sink);
  if (!done) {
    // With the answer begun the connection is cut instead, so that nobody takes a part for the whole.
    if (!begun) responder.respond(asked.error(500, done.error().message));
    return;
  }
  if (begun) return responder.finish();
  if (asked.wants_gzip && !whole.body.empty()) {
    whole.body = gzip(whole.body);
    whole.headers.emplace_back("Content-Encoding", "gzip");
  }
  responder.respond(std::move(whole));
}

}  // namespace campanile::api
