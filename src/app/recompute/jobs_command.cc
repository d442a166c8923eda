#include "app/recompute/jobs_command.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include "app/client/http_call.h"
#include "app/query/answer.h"
#include "app/query/table.h"
#include "base/text.h"

namespace campanile::app {
namespace {

constexpr auto kLookInterval = std::chrono::milliseconds(300);
constexpr size_t kBarWidth = 30;

Result<boost::json::object> ask(const HttpServer& server, const HttpCall& call) {
  const HttpAnswer answer = TRY(http_call(server, call));
  boost::system::error_code error;
  const auto value = boost::json::parse(answer.body, error);
  if (error || !value.is_object()) return fail(ErrorCode::kIoError, "the answer '{}' is no job's: is there a Campanile?", excerpt(answer.body));
  if (const auto* const told = value.get_object().if_contains("error"); answer.status >= 300 && told != nullptr && told->is_string()) {
    return fail(ErrorCode::kUnavailable, "{}", std::string(told->get_string()));
  }
  if (answer.status >= 300) return fail(ErrorCode::kUnavailable, "the server at {} answers {}", server.server.to_string(), answer.status);
  return value.get_object();
}

std::string text_in(const boost::json::object& object, std::string_view name) {
  const auto* const found = object.if_contains(name);
  if (found == nullptr || found->is_null()) return {};
  return found->is_string() ? std::string(found->get_string()) : boost::json::serialize(*found);
}

double number_in(const boost::json::object& object, std::string_view name) {
  const auto* const found = object.if_contains(name);
  return found != nullptr && found->is_number() ? found->to_number<double>() : 0;
}

std::string day_of(double ms) {
  const auto seconds = static_cast<time_t>(ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

AnsweredCell words(std::string text) { return {std::move(text), std::nullopt}; }
AnsweredCell figure(const boost::json::object& job, std::string_view name) { return {text_in(job, name), number_in(job, name)}; }

std::string draw_jobs(const boost::json::object& answer) {
  AnsweredSeries table{.columns = {"job", "state", "database", "query", "from", "to", "done", "points", "error"}};
  const auto* const list = answer.if_contains("jobs");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return "no jobs\n";
  for (const auto& each : list->get_array()) {
    if (!each.is_object()) continue;
    const boost::json::object& job = each.get_object();
    table.rows.push_back({figure(job, "id"), words(text_in(job, "state")), words(text_in(job, "database")), words(text_in(job, "query")), words(day_of(number_in(job, "start_ms"))),
                          words(day_of(number_in(job, "end_ms"))), {fmt::format("{:.0f} %", number_in(job, "progress") * 100), number_in(job, "progress")}, figure(job, "points"),
                          words(text_in(job, "error"))});
  }
  return draw_table(table);
}

std::string bar_of(const boost::json::object& job) {
  const double progress = number_in(job, "progress");
  const auto done = static_cast<size_t>(progress * kBarWidth);
  std::string line = fmt::format("job {}  {:3.0f} % [{}{}] {}, {} points", text_in(job, "id"), progress * 100, std::string(done, '#'), std::string(kBarWidth - done, ' '), text_in(job, "state"), text_in(job, "points"));
  if (const double left_s = number_in(job, "seconds_left"); left_s > 0) line += fmt::format(", {:.0f} s left", left_s);
  return line;
}

Result<boost::json::object> find_job(const HttpServer& server, uint64_t id) {
  const auto answer = TRY(ask(server, {.target = "/api/v1/jobs"}));
  const auto* const list = answer.if_contains("jobs");
  if (list != nullptr && list->is_array()) {
    for (const auto& each : list->get_array()) {
      if (each.is_object() && static_cast<uint64_t>(number_in(each.get_object(), "id")) == id) return each.get_object();
    }
  }
  return fail(ErrorCode::kNotFound, "there is no job {}", id);
}

// Until it is over, or paused: a line that changes on a terminal, a line for each tenth elsewhere.
Result<void> watch(const HttpServer& server, uint64_t id) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  int tenths = -1;
  for (;; std::this_thread::sleep_for(kLookInterval)) {
    const boost::json::object job = TRY(find_job(server, id));
    const std::string state = text_in(job, "state");
    const bool over = state != "created" && state != "waiting" && state != "running";
    const int now = static_cast<int>(number_in(job, "progress") * 10);
    if (terminal) std::fprintf(stderr, "\r\x1b[K%s%s", bar_of(job).c_str(), over ? "\n" : "");
    if (!terminal && (over || now != tenths)) std::fprintf(stderr, "%s\n", bar_of(job).c_str());
    tenths = now;
    if (!over) continue;
    if (state == "failed" || state == "cancelled") return fail(ErrorCode::kUnavailable, "job {} {}{}", id, state == "failed" ? "failed: " : "was cancelled", text_in(job, "error"));
    return {};
  }
}

Result<void> run(const JobsArguments& arguments) {
  const HttpServer server = TRY(local_server(arguments.config, arguments.user));
  if (arguments.action == "list") {
    const std::string drawn = draw_jobs(TRY(ask(server, {.target = "/api/v1/jobs"})));
    std::fwrite(drawn.data(), 1, drawn.size(), stdout);
    return {};
  }
  if (arguments.action == "watch") return watch(server, arguments.id);
  HttpCall call{.method = "POST", .target = "/api/v1/jobs", .content_type = "application/json"};
  if (arguments.action == "add") {
    call.body = boost::json::serialize(boost::json::object{
        {"database", arguments.database}, {"query", arguments.query}, {"start", arguments.start}, {"end", arguments.end}, {"priority", arguments.priority}});
  } else {
    call.target += fmt::format("/{}", arguments.id);
    call.body = boost::json::serialize(boost::json::object{{"action", arguments.action}});
  }
  const boost::json::object job = TRY(ask(server, call));
  std::printf("job %s is %s\n", text_in(job, "id").c_str(), text_in(job, "state").c_str());
  std::fflush(stdout);
  if (arguments.watch) return watch(server, static_cast<uint64_t>(number_in(job, "id")));
  return {};
}

}  // namespace

int jobs_command(const JobsArguments& arguments) {
  const Result<void> done = run(arguments);
  if (done) return 0;
  std::fprintf(stderr, "campanile: %s\n", done.error().message.c_str());
  return 1;
}

}  // namespace campanile::app
