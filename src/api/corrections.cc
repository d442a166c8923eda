#include "api/corrections.h"

#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "api/answers.h"
#include "api/authentication.h"
#include "api/time_parameter.h"
#include "base/text.h"
#include "query/languages/influxql/parser.h"
#include "query/languages/influxql/selection.h"

namespace campanile::api {
namespace {

namespace influxql = query::influxql;

constexpr std::string_view kForm =
    R"({"database": "campus", "measurement": "data", "where": "room = '302'", "field": "value", "start": "2026-01-01T00:00:00Z", "end": "2026-01-31T00:00:00Z", "factor": 1.02, "offset": -0.5})";
constexpr size_t kBodyBytesMax = 1 << 20;

std::unexpected<Error> wanted(std::string_view name, std::string_view what) { return fail(ErrorCode::kInvalidArgument, "member {}: {} is wanted", name, what); }

Result<std::string> read_text(std::string_view name, const boost::json::value& value) {
  if (!value.is_string() || value.get_string().empty()) return wanted(name, "a text");
  return std::string(value.get_string());
}

Result<double> read_number(std::string_view name, const boost::json::value& value) {
  if (!value.is_number()) return wanted(name, "a number");
  return value.to_number<double>();
}

Result<FieldValue> read_value(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::int64: return FieldValue::of_integer(value.get_int64());
    case boost::json::kind::uint64: return FieldValue::of_unsigned(value.get_uint64());
    case boost::json::kind::double_: return FieldValue::of_float(value.get_double());
    case boost::json::kind::bool_: return FieldValue::of_boolean(value.get_bool());
    case boost::json::kind::string: return FieldValue::of_string(std::string_view(value.get_string()));
    default: return wanted("value", "a number, true or false, or a text");
  }
}

Result<std::vector<std::string>> read_measurements(const boost::json::value& value) {
  std::vector<std::string> names;
  const auto* const list = value.if_array();
  if (!list || list->empty()) return wanted("measurements", "a list of names");
  for (const boost::json::value& each : *list) names.push_back(TRY(read_text("measurements", each)));
  return names;
}

// The members that are not a time and not the correction itself.
Result<void> read_member(std::string_view name, const boost::json::value& value, CorrectionOrder& order) {
  if (name == "database") order.database = TRY(read_text(name, value));
  else if (name == "retention_policy") order.retention_policy = TRY(read_text(name, value));
  else if (name == "measurement") order.measurements.push_back(TRY(read_text(name, value)));
  else if (name == "measurements") order.measurements = TRY(read_measurements(value));
  else if (name == "where") order.where = TRY(read_text(name, value));
  else if (name == "field") order.request.field = TRY(read_text(name, value));
  else if (name == "reason") order.reason = TRY(read_text(name, value));
  else if (name == "start") order.request.points.range.from_ns = TRY(parse_json_when("member start", value));
  else if (name == "end") order.request.points.range.to_ns = TRY(parse_json_when("member end", value));
  else if (name == "dry_run" && value.is_bool()) order.dry_run = value.get_bool();
  else if (name == "dry_run") return wanted(name, "true or false");
  else if (name != "factor" && name != "offset" && name != "value") return fail(ErrorCode::kInvalidArgument, "member '{}' is not known; a correction is {}", excerpt(name), kForm);
  return {};
}

Result<tsdb::Correction> read_change(const boost::json::object& object) {
  const boost::json::value* const factor = object.if_contains("factor");
  const boost::json::value* const offset = object.if_contains("offset");
  const boost::json::value* const value = object.if_contains("value");
  if (value && (factor || offset)) return fail(ErrorCode::kInvalidArgument, "value stands beside factor or offset; either the one or the others are wanted");
  if (value) return tsdb::Correction::set(TRY(read_value(*value)));
  if (!factor && !offset) return fail(ErrorCode::kInvalidArgument, "neither factor nor offset nor value is there; a correction is {}", kForm);
  return tsdb::Correction::scale(factor ? TRY(read_number("factor", *factor)) : 1, offset ? TRY(read_number("offset", *offset)) : 0);
}

// What `where` asks of tags, for measurements of the bucket.
Result<tsdb::TagPredicate> read_where(const CorrectionOrder& order, const tsdb::Engine& engine, int64_t now_ns) {
  if (order.where.empty()) return tsdb::TagPredicate{};
  influxql::Catalog catalog(engine, order.database, order.retention_policy);
  std::vector<influxql::Source> sources;
  for (const std::string& name : order.measurements) sources.push_back({.database = {}, .retention_policy = {}, .name = name, .regex = nullptr, .subquery = nullptr});
  auto condition = influxql::parse_condition(order.where);
  if (!condition) return with_context(std::move(condition).error(), "member where");
  auto points = influxql::select_points(TRY(catalog.measurements("", sources)), *condition, now_ns);
  if (!points) return with_context(std::move(points).error(), "member where");
  if (points->range.from_ns != INT64_MIN || points->range.to_ns != INT64_MAX) {
    return fail(ErrorCode::kInvalidArgument, "member where names a time; the range is that of start and end");
  }
  return std::move(points->predicate);
}

boost::json::object outcome_json(const tsdb::ChangeOutcome& outcome, bool dry_run, boost::json::value audit_id) {
  return {{"dry_run", dry_run},
          {"audit_id", std::move(audit_id)},
          {"series", outcome.series},
          {"values", outcome.values},
          {"values_left", outcome.values_left},
          {"damaged_chunks", outcome.damaged_chunks}};
}

void note_outcome(const tsdb::ChangeOutcome& outcome, audit::AuditEntry& entry) {
  entry.series = outcome.series;
  entry.values = outcome.values;
  if (outcome.damaged_chunks > 0) entry.note = fmt::format("{} damaged chunks were left as they are; ", outcome.damaged_chunks);
  if (outcome.values_left > 0) entry.note += fmt::format("{} values whose result does not fit were left as they are", outcome.values_left);
}

}  // namespace

Result<CorrectionOrder> read_correction(std::string_view body) {
  if (body.size() > kBodyBytesMax) return fail(ErrorCode::kTooLarge, "the body has {} bytes, the limit is {}", body.size(), kBodyBytesMax);
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error);
  const auto* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return fail(ErrorCode::kInvalidArgument, "the body is no JSON object; a correction is {}", kForm);
  for (const std::string_view name : {"database", "field", "start", "end"}) {
    if (!object->contains(name)) return fail(ErrorCode::kInvalidArgument, "member {} is missing; a correction is {}", name, kForm);
  }
  if (object->contains("measurement") == object->contains("measurements")) {
    return fail(ErrorCode::kInvalidArgument, "one of measurement and measurements is wanted; a correction is {}", kForm);
  }
  CorrectionOrder order;
  for (const auto& member : *object) TRY(read_member(std::string_view(member.key()), member.value(), order));
  if (order.request.points.range.from_ns > order.request.points.range.to_ns) return fail(ErrorCode::kInvalidArgument, "start is after end; both belong to the range");
  order.request.correction = TRY(read_change(*object));
  order.request.points.measurements = order.measurements;
  return order;
}

CorrectionsResource::CorrectionsResource(tsdb::Engine& engine, audit::AuditLog& log, const Clock& clock, std::chrono::seconds timeout, Background background)
    : engine_(engine), log_(log), clock_(clock), timeout_(timeout), background_(std::move(background)) {}

void CorrectionsResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  auto order = read_correction(request.body);
  if (!order) return responder.respond(error_answer(order.error()));
  run_answer(background_, std::move(responder), [this, order = std::move(*order), body = std::move(request.body), who = requester(request)] { return answer(order, body, who); });
}

net::HttpResponse CorrectionsResource::answer(const CorrectionOrder& order, const std::string& body, const std::string& who) const {
  const auto bucket = engine_.bucket(order.database, order.retention_policy);
  if (!bucket) return error_answer(bucket.error());
  tsdb::CorrectionRequest request = order.request;
  auto predicate = read_where(order, engine_, clock_.now_ns());
  if (!predicate) return error_answer(predicate.error());
  request.points.predicate = std::move(*predicate);
  const tsdb::Cancelled is_late = [this, started_ns = clock_.steady_ns()] {
    return timeout_.count() > 0 && clock_.steady_ns() - started_ns > std::chrono::nanoseconds(timeout_).count();
  };
  if (order.dry_run) {
    const auto would = engine_.check_correction(*bucket, request, is_late);
    return would ? json_answer(200, outcome_json(*would, true, nullptr)) : error_answer(would.error());
  }
  audit::AuditEntry entry{.kind = "correction", .who = who, .what = std::string(trim(body)), .why = order.reason, .database = order.database,
                          .from_ns = request.points.range.from_ns, .to_ns = request.points.range.to_ns};
  uint64_t id = 0;
  const auto corrected = audit::recorded(&log_, std::move(entry), [&](audit::AuditEntry& filled) -> Result<tsdb::ChangeOutcome> {
    id = filled.id;
    const tsdb::ChangeOutcome outcome = TRY(engine_.correct(*bucket, request, is_late));
    note_outcome(outcome, filled);
    return outcome;
  });
  return corrected ? json_answer(200, outcome_json(*corrected, false, id)) : error_answer(corrected.error());
}

}  // namespace campanile::api
