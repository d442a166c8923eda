#include "api/jobs.h"

#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "api/authentication.h"
#include "api/json_body.h"
#include "api/time_parameter.h"
#include "base/clock.h"
#include "base/text.h"

namespace campanile::api {
namespace {

constexpr size_t kBodyBytesMax = 64 * 1024;
constexpr int64_t kPriorityMax = 1000;
constexpr std::string_view kForm = R"({"database": "campus", "query": "hourly", "start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z", "priority": 0})";

boost::json::object job_json(const JobView& job) {
  // As long as the rest takes at the pace of what is done.
  const bool runs = job.state == "running" && job.progress > 0;
  const double left_s = runs ? static_cast<double>(job.spent_ns) / kNanosPerSecond * (1 - job.progress) / job.progress * 2 : 0;
  return {{"id", job.id},
          {"database", job.database},
          {"query", job.query},
          {"who", job.who},
          {"state", job.state},
          {"start_ms", to_ms(job.from_ns)},
          {"end_ms", to_ms(job.to_ns)},
          {"priority", job.priority},
          {"progress", job.progress},
          {"seconds_left", runs ? boost::json::value(std::ceil(left_s)) : boost::json::value(nullptr)},
          {"points", job.points},
          {"created_ms", to_ms(job.created_ns)},
          {"changed_ms", to_ms(job.changed_ns)},
          {"error", job.error.empty() ? boost::json::value(nullptr) : boost::json::value(job.error)}};
}

net::HttpResponse answer_of(int status, const Result<JobView>& job) { return job ? json_answer(status, job_json(*job)) : error_answer(job.error()); }

Result<JobWish> read_wish(const net::HttpRequest& request) {
  const boost::json::object asked = TRY(json_object(request.body, kBodyBytesMax, kForm));
  JobWish wish;
  wish.database = TRY(text_member(asked, "database", kForm));
  wish.query = TRY(text_member(asked, "query", kForm));
  for (const std::string_view name : {"start", "end"}) {
    if (!asked.contains(name)) return fail(ErrorCode::kInvalidArgument, "member {} is missing; a job is {}", name, kForm);
  }
  wish.from_ns = TRY(parse_json_when("member start", asked.at("start")));
  wish.to_ns = TRY(parse_json_when("member end", asked.at("end")));
  if (const auto* const priority = asked.if_contains("priority")) {
    if (!priority->is_int64() || std::abs(priority->get_int64()) > kPriorityMax) return fail(ErrorCode::kInvalidArgument, "member priority: a whole number from -{} to {} is wanted", kPriorityMax, kPriorityMax);
    wish.priority = priority->get_int64();
  }
  wish.who = requester(request);
  return wish;
}

}  // namespace

void JobsResource::list(net::HttpRequest, net::HttpResponder responder) {
  run_answer(background_, std::move(responder), [this] {
    boost::json::array all;
    for (const JobView& job : jobs_.list()) all.push_back(job_json(job));
    return json_answer(200, {{"jobs", std::move(all)}});
  });
}

void JobsResource::add(net::HttpRequest request, net::HttpResponder responder) {
  auto wish = read_wish(request);
  if (!wish) return responder.respond(error_answer(wish.error()));
  run_answer(background_, std::move(responder), [this, wish = std::move(*wish)] { return answer_of(202, jobs_.add(wish)); });
}

void JobsResource::change(net::HttpRequest request, net::HttpResponder responder) {
  constexpr std::string_view kAction = R"({"action": "pause"}, "resume" or "cancel")";
  const auto id = parse_uint64(std::string_view(request.path).substr(request.path.rfind('/') + 1));
  if (!id) return responder.respond(error_answer({ErrorCode::kNotFound, fmt::format("{} is no job; GET /api/v1/jobs lists them", excerpt(request.path))}));
  const auto asked = json_object(request.body, kBodyBytesMax, kAction);
  const auto action = asked ? text_member(*asked, "action", kAction) : Result<std::string>(std::unexpected(asked.error()));
  if (!action) return responder.respond(error_answer(action.error()));
  if (*action != "pause" && *action != "resume" && *action != "cancel") {
    return responder.respond(error_answer({ErrorCode::kInvalidArgument, fmt::format("member action: found '{}', wanted {}", excerpt(*action), kAction)}));
  }
  run_answer(background_, std::move(responder), [this, id = *id, action = *action] { return answer_of(200, jobs_.change(id, action)); });
}

}  // namespace campanile::api
