#include "api/influx_write.h"

#include <algorithm>
#include <atomic>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "api/health.h"
#include "base/text.h"
#include "ingest/gunzip.h"

namespace campanile::api {
namespace {

using decoders::LineErrors;
using decoders::Precision;
using Version = InfluxWriteResource::Version;

// A piece of a body that is stored at once: a journal record of some hundred KiB, points of a few MiB.
constexpr size_t kPiecePointsMax = 8192;
constexpr size_t kPieceBytesMax = 1 << 20;
// Between looks at how many bytes were used.
constexpr size_t kStepPoints = 256;
// Compressed line protocol unpacks to about eight times its size.
constexpr size_t kUsualCompression = 8;
constexpr size_t kHeaderTextBytesMax = 512;

// For logs on both sides: the client's own identifier, or a new one that looks like InfluxDB's.
std::string request_id(const net::HttpRequest& request) {
  for (const std::string_view name : {"X-Request-Id", "Request-Id"}) {
    if (const auto given = request.header(name); given && !given->empty()) return excerpt(*given, 128);
  }
  static std::atomic<uint64_t> requests{0};
  return fmt::format("00000000-0000-11f0-8000-{:012x}", ++requests & 0xffff'ffff'ffff);
}

std::string_view v2_code(int status) {
  switch (status) {
    case 400: return "invalid";
    case 404: return "not found";
    case 413: return "request too large";
    case 415: return "unsupported media type";
    case 503: return "unavailable";
    default: return "internal error";
  }
}

net::HttpResponse error_response(Version version, int status, std::string_view message, boost::json::array lines = {}) {
  boost::json::object body;
  if (version == Version::kTwo) {
    body["code"] = v2_code(status);
    body["message"] = message;
  } else {
    body["error"] = message;
  }
  if (!lines.empty()) body["lines"] = std::move(lines);
  auto response = json_answer(status, body);
  if (version == Version::kOne) response.headers.emplace_back("X-Influxdb-Error", excerpt(message, kHeaderTextBytesMax));
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

net::HttpResponse error_response(Version version, const Error& error) { return error_response(version, http_status(error.code), error.message); }

void add_influx_headers(net::HttpResponse& response, const net::HttpRequest& request) {
  const std::string id = request_id(request);
  response.headers.emplace_back("Request-Id", id);
  response.headers.emplace_back("X-Request-Id", id);
  response.headers.emplace_back("X-Influxdb-Build", "OSS");
  response.headers.emplace_back("X-Influxdb-Version", kInfluxVersion);
}

// Version 1 says n, u, ms, s, m and h, version 2 ns, us, ms and s; either takes both.
Result<Precision> parse_precision(std::string_view text) {
  if (text.empty() || text == "n" || text == "ns") return Precision::kNanoseconds;
  if (text == "u" || text == "us" || text == "µ" || text == "µs") return Precision::kMicroseconds;
  if (text == "ms") return Precision::kMilliseconds;
  if (text == "s") return Precision::kSeconds;
  if (text == "m") return Precision::kMinutes;
  if (text == "h") return Precision::kHours;
  return fail(ErrorCode::kInvalidArgument, "invalid precision \"{}\" (use ns, us, ms, s, m or h)", excerpt(text));
}

// The body as text. `unpacked` holds it where it was compressed.
Result<std::string_view> body_of(const net::HttpRequest& request, size_t bytes_max, std::string& unpacked) {
  const auto encoding = request.header("Content-Encoding").value_or("");
  if (encoding.empty() || equals_ignore_case(encoding, "identity")) return std::string_view(request.body);
  if (!equals_ignore_case(encoding, "gzip")) {
    return fail(ErrorCode::kInvalidArgument, "Content-Encoding \"{}\" is not known here (use gzip or none)", excerpt(encoding));
  }
  unpacked = TRY(ingest::gunzip(request.body, bytes_max));
  return std::string_view(unpacked);
}

}  // namespace

// What became of a body.
struct InfluxWriteResource::Stored {
  journal::Awaited awaited;
  size_t points = 0;
  LineErrors unparsed;
  size_t refused = 0;                    // by the store
  LineErrors first_refused;              // in words, with their lines

  bool is_whole() const { return unparsed.total == 0 && refused == 0; }
  void add(const PointBatch& batch, const tsdb::WriteOutcome& outcome);
  std::string message() const;
  boost::json::array lines() const;
};

void InfluxWriteResource::Stored::add(const PointBatch& batch, const tsdb::WriteOutcome& outcome) {
  awaited.include(outcome.awaited);
  points += outcome.points_stored;
  refused += outcome.errors.size();
  for (const tsdb::PointError& error : outcome.errors) {
    if (first_refused.first.size() == LineErrors::kErrorsKeptMax) break;
    first_refused.first.push_back({.line = batch.points()[error.point].line, .message = error.error.message});
  }
}

// InfluxDB's: the bad lines alone where nothing but them was sent; else "partial write: …", with the first reason of the store and the number of
// points that it did not take.
std::string InfluxWriteResource::Stored::message() const {
  std::string text = decoders::describe(unparsed);
  const size_t dropped = refused + unparsed.dropped;
  if (points == 0 && dropped == 0) return text;
  if (refused > 0) text += (text.empty() ? "" : "\n") + first_refused.first.front().message;
  return fmt::format("partial write: {} dropped={}", text, dropped);
}

boost::json::array InfluxWriteResource::Stored::lines() const {
  std::vector<decoders::LineError> all = unparsed.first;
  all.insert(all.end(), first_refused.first.begin(), first_refused.first.end());
  std::ranges::stable_sort(all, {}, &decoders::LineError::line);
  boost::json::array out;
  for (const auto& error : all) out.push_back({{"line", error.line}, {"error", error.message}});
  return out;
}

InfluxWriteResource::InfluxWriteResource(ingest::Ingest& ingest, tsdb::Engine& engine, CommitsOfLoop commits, Background background,
                                         const Clock& clock, const InfluxWriteOptions& options)
    : ingest_(ingest), engine_(engine), commits_(std::move(commits)), background_(std::move(background)), clock_(clock), options_(options) {}

void InfluxWriteResource::handle(Version version, net::HttpRequest request, net::HttpResponder responder) {
  const bool is_packed = request.header("Content-Encoding").has_value();
  const size_t loop_bytes_max = is_packed ? options_.loop_bytes_max / kUsualCompression : options_.loop_bytes_max;
  net::EventLoop& loop = *request.loop;
  if (request.body.size() <= loop_bytes_max) {
    Reply reply = write(version, request);
    return send(version, loop, std::move(responder), std::move(reply));
  }
  // Shared, because a refused task is gone and the refusal still needs the responder. The next request of this connection waits for the
  // answer, so batches of one client stay in order.
  auto shared = std::make_shared<net::HttpResponder>(std::move(responder));
  const bool is_taken = background_([this, version, &loop, shared, sent = std::move(request)]() {
    loop.post([this, version, &loop, shared, reply = write(version, sent)]() mutable { send(version, loop, std::move(*shared), std::move(reply)); });
  });
  if (is_taken) return;
  auto response = error_response(version, 503, "too many large writes wait for a worker; try again in a second");
  shared->respond(std::move(response));
}

void InfluxWriteResource::send(Version version, net::EventLoop& loop, net::HttpResponder responder, Reply reply) {
  if (reply.awaited.is_nothing()) return responder.respond(std::move(reply.response));
  commits_(loop).when_safe(reply.awaited, [version, waiting = std::move(responder), response = std::move(reply.response)](const Result<void>& stored) mutable {
    waiting.respond(stored ? std::move(response) : error_response(version, stored.error()));
  });
}

InfluxWriteResource::Reply InfluxWriteResource::write(Version version, const net::HttpRequest& request) {
  Reply reply;
  const auto store = [&]() -> Result<Stored> {
    const Target target = TRY(target_of(version, request));
    std::string unpacked;
    const std::string_view body = TRY(body_of(request, options_.body_bytes_max, unpacked));
    return store_lines(target, body);
  };
  if (const auto stored = store(); !stored) {
    reply.response = error_response(version, stored.error());
  } else {
    reply.awaited = stored->awaited;
    reply.response = stored->is_whole() ? net::HttpResponse{.status = 204} : error_response(version, 400, stored->message(), stored->lines());
  }
  add_influx_headers(reply.response, request);
  return reply;
}

Result<InfluxWriteResource::Target> InfluxWriteResource::target_of(Version version, const net::HttpRequest& request) {
  tsdb::BucketId bucket = 0;
  if (version == Version::kOne) {
    const std::string_view database = request.parameter("db").value_or("");
    if (database.empty()) return fail(ErrorCode::kInvalidArgument, "database is required");
    bucket = TRY(engine_.bucket(database, request.parameter("rp").value_or("")));
  } else {
    const std::string_view name = request.parameter("bucket").value_or("");
    if (name.empty()) return fail(ErrorCode::kInvalidArgument, "bucket is required: name a database, or database/retention policy");
    bucket = TRY(bucket_of(name));
  }
  return Target{bucket, TRY(parse_precision(request.parameter("precision").value_or("")))};
}

// A bucket is a database, or database/policy as InfluxDB 1.8 names them to clients of version 2.
Result<tsdb::BucketId> InfluxWriteResource::bucket_of(std::string_view name) {
  if (const auto whole = engine_.bucket(name, "")) return whole;
  const size_t slash = name.find('/');
  const std::string_view database = name.substr(0, slash);
  const std::string_view policy = slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
  if (const auto parts = engine_.bucket(database, policy)) return parts;
  if (!options_.create_buckets || slash != std::string_view::npos) {
    return fail(ErrorCode::kNotFound, "bucket \"{}\" not found; make it with the query CREATE DATABASE \"{}\" at /query", excerpt(name), excerpt(database));
  }
  TRY(engine_.create_database(database));
  return engine_.bucket(database, "");
}

Result<InfluxWriteResource::Stored> InfluxWriteResource::store_lines(const Target& target, std::string_view body) {
  // One for each thread, so that its memory is warm; clear() keeps it.
  thread_local PointBatch batch;
  Stored stored;
  decoders::LineCursor cursor;
  const int64_t now_ns = clock_.now_ns();
  const std::unique_ptr<KnownSeries> known = engine_.known_series(target.bucket);
  for (bool more = true; more;) {
    batch.clear();
    const size_t begin = cursor.offset;
    while (more && batch.size() < kPiecePointsMax && cursor.offset - begin < kPieceBytesMax) {
      more = decoders::parse_some_lines(body, {.precision = target.precision, .known = known.get()}, batch.size() + kStepPoints, cursor, batch, stored.unparsed);
    }
    if (batch.empty()) continue;
    const auto outcome = TRY(ingest_.write_batch(target.bucket, batch, cursor.offset - begin, now_ns));
    stored.add(batch, outcome);
  }
  return stored;
}

}  // namespace campanile::api
