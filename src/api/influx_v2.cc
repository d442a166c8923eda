#include "api/influx_v2.h"

#include <memory>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "api/authentication.h"
#include "api/json_body.h"
#include "base/text.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::api {
namespace {

constexpr size_t kBodyBytesMax = 1 << 20;
constexpr std::string_view kOrganisation = "0000000000000001";

// InfluxDB 2's errors: a code beside the message.
net::HttpResponse refuse(int status, std::string_view code, std::string_view message) {
  const boost::json::object body{{"code", code}, {"message", message}};
  return {.status = status, .headers = {{"Content-Type", "application/json; charset=utf-8"}}, .body = boost::json::serialize(body)};
}

net::HttpResponse refuse(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound: return refuse(404, "not found", error.message);
    case ErrorCode::kAlreadyExists: return refuse(422, "unprocessable entity", error.message);
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kTooLarge: return refuse(400, "invalid", error.message);
    case ErrorCode::kOverloaded:
    case ErrorCode::kUnavailable: return refuse(503, "unavailable", error.message);
    default: return refuse(500, "internal error", error.message);
  }
}

net::HttpResponse answer_json(int status, const boost::json::object& body) {
  return {.status = status, .headers = {{"Content-Type", "application/json; charset=utf-8"}}, .body = boost::json::serialize(body)};
}

struct BucketName {
  std::string database;
  std::string policy;  // empty: the default one
};

BucketName split(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {std::string(name), {}};
  return {std::string(name.substr(0, slash)), std::string(name.substr(slash + 1))};
}

std::string id_text(tsdb::BucketId bucket) { return fmt::format("{:016x}", bucket); }

boost::json::object bucket_json(tsdb::BucketId bucket, std::string_view database, const tsdb::RetentionPolicy& policy) {
  boost::json::array rules;
  if (policy.duration_ns > 0) rules.push_back(boost::json::object{{"type", "expire"}, {"everySeconds", policy.duration_ns / kNanosPerSecond}});
  return {{"id", id_text(bucket)}, {"orgID", kOrganisation}, {"type", "user"}, {"name", fmt::format("{}/{}", database, policy.name)}, {"rp", policy.name}, {"retentionRules", std::move(rules)}};
}

struct FoundBucket {
  tsdb::BucketId bucket;
  std::string database;
  tsdb::RetentionPolicy policy;
};

std::vector<FoundBucket> all_buckets(const tsdb::Engine& engine) {
  std::vector<FoundBucket> found;
  for (const std::string& database : engine.databases()) {
    const auto policies = engine.retention_policies(database);
    // It may be dropped meanwhile, here and below.
    if (!policies) continue;
    for (const tsdb::RetentionPolicy& policy : *policies) {
      if (const auto bucket = engine.bucket(database, policy.name)) found.push_back({*bucket, database, policy});
    }
  }
  return found;
}

Result<int64_t> duration_in(const boost::json::object& object) {
  const auto* const rules = object.if_contains("retentionRules");
  if (rules == nullptr || !rules->is_array() || rules->get_array().empty()) return 0;
  const auto* const rule = rules->get_array()[0].if_object();
  const auto* const seconds = rule ? rule->if_contains("everySeconds") : nullptr;
  if (seconds == nullptr || !seconds->is_int64() || seconds->get_int64() < 0 || seconds->get_int64() > INT64_MAX / kNanosPerSecond) {
    return fail(ErrorCode::kInvalidArgument, "member retentionRules: a list with {{\"everySeconds\": a whole number}} is wanted");
  }
  return seconds->get_int64() * kNanosPerSecond;
}

// A predicate, read from left to right.
class PredicateReader {
 public:
  explicit PredicateReader(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }

  Result<std::pair<std::string, std::string>> comparison() {
    std::string name = TRY(quoted_or_plain());
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != '=' || (at_ + 1 < text_.size() && (text_[at_ + 1] == '~' || text_[at_ + 1] == '='))) return wanted("=, the only comparison that deleting knows");
    ++at_;
    skip_blanks();
    if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return wanted("a value in quotes");
    return std::pair(std::move(name), TRY(quoted()));
  }

  Result<void> and_word() {
    skip_blanks();
    if (!equals_ignore_case(text_.substr(at_, 3), "and")) return wanted("AND");
    at_ += 3;
    return {};
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }

  std::unexpected<Error> wanted(std::string_view what) const {
    return fail(ErrorCode::kInvalidArgument, "member predicate: found '{}' at character {}, wanted {}", excerpt(text_.substr(at_), 40), at_ + 1, what);
  }

  Result<std::string> quoted() {
    const char quote = text_[at_];
    std::string out;
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        at_ = i + 1;
        return out;
      }
      const bool escapes = text_[i] == '\\' && i + 1 < text_.size() && (text_[i + 1] == quote || text_[i + 1] == '\\');
      out += text_[escapes ? ++i : i];
    }
    return wanted("an end to the quotes");
  }

  Result<std::string> quoted_or_plain() {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t end = std::min(text_.find_first_of(" \t\r\n=!<>()\"'", at_), text_.size());
    if (end == at_) return wanted("the name of a tag, or _measurement");
    std::string out(text_.substr(at_, end - at_));
    at_ = end;
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
};

tsdb::TagPredicate equals(std::string name, std::string value) {
  tsdb::TagPredicate made;
  made.kind = tsdb::TagPredicate::Kind::kEqual;
  made.key = std::move(name);
  made.value = std::move(value);
  return made;
}

tsdb::TagPredicate both(tsdb::TagPredicate left, tsdb::TagPredicate right) {
  tsdb::TagPredicate made;
  made.kind = tsdb::TagPredicate::Kind::kAnd;
  made.children.push_back(std::move(left));
  made.children.push_back(std::move(right));
  return made;
}

}  // namespace

Result<tsdb::PointSelection> parse_delete_predicate(std::string_view text) {
  tsdb::PointSelection points;
  PredicateReader reader(text);
  constexpr size_t kComparisonsMax = 100;
  for (size_t count = 0; !reader.at_end(); ++count) {
    if (count == kComparisonsMax) return fail(ErrorCode::kTooLarge, "member predicate: more than {} comparisons", kComparisonsMax);
    if (count > 0) TRY(reader.and_word());
    auto [name, value] = TRY(reader.comparison());
    if (name == "_field") return fail(ErrorCode::kInvalidArgument, "member predicate: single fields cannot be deleted, only points");
    if (name == "_measurement" && !points.measurements.empty() && points.measurements[0] != value) {
      return fail(ErrorCode::kInvalidArgument, "member predicate: no point has two measurements");
    }
    if (name == "_measurement") {
      points.measurements = {std::move(value)};
    } else if (points.predicate.kind == tsdb::TagPredicate::Kind::kTrue) {
      points.predicate = equals(std::move(name), std::move(value));
    } else {
      points.predicate = both(std::move(points.predicate), equals(std::move(name), std::move(value)));
    }
  }
  return points;
}

InfluxV2Resource::InfluxV2Resource(tsdb::Engine& engine, audit::AuditLog& log, const Clock& clock, std::chrono::seconds timeout, Background background)
    : engine_(engine), log_(log), clock_(clock), timeout_(timeout), background_(std::move(background)) {}

void InfluxV2Resource::answer_later(net::HttpResponder responder, std::function<net::HttpResponse()> answer) const {
  auto shared = std::make_shared<net::HttpResponder>(std::move(responder));
  const bool is_taken = background_([shared, answer = std::move(answer)] { shared->respond(answer()); });
  if (!is_taken) shared->respond(refuse(503, "unavailable", "too many requests wait for a worker; try again in a second"));
}

void InfluxV2Resource::handle_buckets(net::HttpRequest request, net::HttpResponder responder) {
  auto shared = std::make_shared<net::HttpRequest>(std::move(request));
  answer_later(std::move(responder), [this, shared] {
    if (shared->method == "POST") return create_bucket(*shared);
    return shared->method == "DELETE" ? drop_bucket(*shared, requester(*shared)) : list_buckets(*shared);
  });
}

void InfluxV2Resource::handle_delete(net::HttpRequest request, net::HttpResponder responder) {
  auto shared = std::make_shared<net::HttpRequest>(std::move(request));
  answer_later(std::move(responder), [this, shared] { return erase(*shared, requester(*shared)); });
}

net::HttpResponse InfluxV2Resource::list_buckets(const net::HttpRequest& request) const {
  const BucketName wanted = split(request.parameter("name").value_or(""));
  boost::json::array buckets;
  for (const FoundBucket& each : all_buckets(engine_)) {
    const bool fits = wanted.database.empty() || (each.database == wanted.database && (wanted.policy.empty() ? each.policy.is_default : each.policy.name == wanted.policy));
    if (fits) buckets.push_back(bucket_json(each.bucket, each.database, each.policy));
  }
  return answer_json(200, {{"links", {{"self", "/api/v2/buckets"}}}, {"buckets", std::move(buckets)}});
}

net::HttpResponse InfluxV2Resource::create_bucket(const net::HttpRequest& request) const {
  const auto create = [&]() -> Result<net::HttpResponse> {
    const boost::json::object asked = TRY(json_object(request.body, kBodyBytesMax));
    const BucketName name = split(TRY(text_member(asked, "name")));
    const std::string policy = name.policy.empty() ? "autogen" : name.policy;
    const int64_t duration_ns = TRY(duration_in(asked));
    if (engine_.bucket(name.database, policy)) return fail(ErrorCode::kAlreadyExists, "bucket with name {}/{} already exists", excerpt(name.database), excerpt(policy));
    TRY(engine_.create_database(name.database));
    // A new database has "autogen", for ever.
    const bool is_autogen = policy == "autogen" && engine_.bucket(name.database, policy);
    if (is_autogen && duration_ns > 0) TRY(engine_.alter_retention_policy(name.database, policy, duration_ns, true));
    if (!is_autogen) TRY(engine_.create_retention_policy(name.database, {policy, duration_ns, false}));
    return answer_json(201, bucket_json(TRY(engine_.bucket(name.database, policy)), name.database, {policy, duration_ns, false}));
  };
  const Result<net::HttpResponse> made = create();
  return made ? *made : refuse(made.error());
}

net::HttpResponse InfluxV2Resource::drop_bucket(const net::HttpRequest& request, const std::string& who) const {
  const std::string_view id = std::string_view(request.path).substr(request.path.rfind('/') + 1);
  for (const FoundBucket& each : all_buckets(engine_)) {
    if (id_text(each.bucket) != id) continue;
    audit::AuditEntry entry{.kind = "drop_retention_policy", .who = who, .what = fmt::format("DELETE /api/v2/buckets/{} ({}/{})", id, each.database, each.policy.name)};
    entry.database = each.database;
    const auto dropped = audit::recorded(&log_, std::move(entry), [&](audit::AuditEntry&) -> Result<void> {
      const bool is_last = TRY(engine_.retention_policies(each.database)).size() == 1;
      return is_last ? engine_.drop_database(each.database) : engine_.drop_retention_policy(each.database, each.policy.name);
    });
    return dropped ? net::HttpResponse{.status = 204} : refuse(dropped.error());
  }
  return refuse(404, "not found", fmt::format("bucket \"{}\" not found; GET /api/v2/buckets lists them", excerpt(id)));
}

net::HttpResponse InfluxV2Resource::erase(const net::HttpRequest& request, const std::string& who) const {
  const auto run = [&]() -> Result<void> {
    const std::string_view name = request.parameter("bucket").value_or("");
    if (name.empty()) return fail(ErrorCode::kInvalidArgument, "bucket is required: name a database, or database/retention policy");
    const BucketName parts = split(name);
    const tsdb::BucketId bucket = TRY(engine_.bucket(parts.database, parts.policy));
    const boost::json::object asked = TRY(json_object(request.body, kBodyBytesMax));
    tsdb::PointSelection points = TRY(parse_delete_predicate(asked.contains("predicate") ? TRY(text_member(asked, "predicate")) : std::string()));
    points.range.from_ns = TRY(query::influxql::parse_time(TRY(text_member(asked, "start")), nullptr));
    // What is deleted ends before `stop`.
    const int64_t stop_ns = TRY(query::influxql::parse_time(TRY(text_member(asked, "stop")), nullptr));
    if (stop_ns <= points.range.from_ns) return fail(ErrorCode::kInvalidArgument, "start is not before stop");
    points.range.to_ns = stop_ns - 1;
    audit::AuditEntry entry{.kind = "delete", .who = who, .what = fmt::format("POST /api/v2/delete {}", excerpt(request.body, 2000))};
    entry.database = parts.database;
    entry.from_ns = points.range.from_ns;
    entry.to_ns = points.range.to_ns;
    const int64_t begun_ns = clock_.steady_ns();
    const int64_t timeout_ns = std::chrono::nanoseconds(timeout_).count();
    const auto cancelled = [&] { return timeout_ns > 0 && clock_.steady_ns() - begun_ns > timeout_ns; };
    return audit::recorded(&log_, std::move(entry), [&](audit::AuditEntry& filled) -> Result<void> {
      const tsdb::ChangeOutcome outcome = TRY(engine_.erase(bucket, points, cancelled));
      filled.series = outcome.series;
      filled.values = outcome.values;
      if (outcome.series_left == 0) return {};
      return fail(ErrorCode::kTimeout, "the time ran out: {} values of {} series were erased, {} series are as they were", outcome.values, outcome.series, outcome.series_left);
    });
  };
  const Result<void> done = run();
  return done ? net::HttpResponse{.status = 204} : refuse(done.error());
}

}  // namespace campanile::api
