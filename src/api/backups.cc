#include "api/backups.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "api/authentication.h"

namespace campanile::api {
namespace {

constexpr int64_t kKeepMax = 100'000;

boost::json::value job_json(const std::optional<backup::JobStatus>& job) {
  if (!job) return nullptr;
  return {{"id", job->id},
          {"state", backup::to_string(job->state)},
          {"started_ms", to_ms(job->started_ns)},
          {"ended_ms", job->ended_ns == 0 ? boost::json::value(nullptr) : boost::json::value(to_ms(job->ended_ns))},
          {"files", job->progress.files},
          {"files_total", job->progress.files_total},
          {"bytes", job->progress.bytes},
          {"bytes_total", job->progress.bytes_total},
          {"copied_bytes", job->progress.copied_bytes},
          {"error", job->error.empty() ? boost::json::value(nullptr) : boost::json::value(job->error)}};
}

boost::json::object backup_json(const backup::Manifest& manifest) {
  return {{"id", manifest.id},
          {"time_ms", to_ms(manifest.time_ns)},
          {"program", manifest.program},
          {"files", manifest.files.size()},
          {"bytes", manifest.bytes()},
          {"copied_bytes", manifest.copied_bytes}};
}

net::HttpResponse list_answer(const backup::Service& backups) {
  const auto found = backups.list();
  if (!found) return error_answer(found.error());
  boost::json::array list;
  for (const backup::Manifest& manifest : *found) list.push_back(backup_json(manifest));
  return json_answer(200, {{"directory", backups.place().string()}, {"job", job_json(backups.status())}, {"backups", std::move(list)}});
}

net::HttpResponse start_answer(backup::Service& backups, uint64_t keep) {
  const auto id = backups.start(keep);
  if (!id) return error_answer(id.error());
  return json_answer(202, {{"id", *id}});
}

}  // namespace

BackupsResource::BackupsResource(backup::Service& backups, const registry::Accounts& accounts, Background background)
    : backups_(backups), accounts_(accounts), background_(std::move(background)) {}

void BackupsResource::start(net::HttpRequest request, net::HttpResponder responder) {
  // The router has refused wrong passwords; whom it let in without a name is another question.
  if (const auto user = authenticate(request, accounts_); accounts_.has_accounts() && (!user || user->empty())) {
    return responder.respond(error_answer({ErrorCode::kUnauthenticated, "a backup is begun by somebody with an account; give one of those under auth.users"}));
  }
  const auto keep = integer_parameter(request, "keep", 0, 0, kKeepMax);
  if (!keep) return responder.respond(error_answer(keep.error()));
  run_answer(background_, std::move(responder), [this, keep = static_cast<uint64_t>(*keep)] { return start_answer(backups_, keep); });
}

void BackupsResource::list(net::HttpRequest, net::HttpResponder responder) {
  run_answer(background_, std::move(responder), [this] { return list_answer(backups_); });
}

}  // namespace campanile::api
