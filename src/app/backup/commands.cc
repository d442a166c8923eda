#include "app/backup/commands.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "app/backup/directory.h"
#include "app/backup/progress_display.h"
#include "app/backup/row_check.h"
#include "app/client/http_call.h"
#include "app/data_directory.h"
#include "backup/data_files.h"
#include "backup/place.h"
#include "backup/restore.h"
#include "backup/verify.h"
#include "backup/writer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

namespace campanile::app {
namespace {

constexpr auto kLookInterval = std::chrono::milliseconds(200);

int finish(const Result<void>& done) {
  if (done) return 0;
  std::fprintf(stderr, "campanile: %s\n", done.error().message.c_str());
  return 1;
}

void say(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void say_made(std::string_view id, const std::filesystem::path& directory, uint64_t files, uint64_t bytes, uint64_t copied_bytes) {
  say(fmt::format("backup {} in {}: {} files, {}, {} of it copied", id, directory.string(), files, size_text(bytes), size_text(copied_bytes)));
}

// An answer of the API as JSON; its error in the server's words.
Result<boost::json::object> ask(const HttpServer& server, std::string_view method, const std::string& target) {
  const HttpAnswer answer = TRY(http_call(server, {.method = std::string(method), .target = target}));
  boost::system::error_code error;
  const auto value = boost::json::parse(answer.body, error);
  const auto* const object = error ? nullptr : value.if_object();
  if (answer.status >= 300 || object == nullptr) {
    const auto* const told = object ? object->if_contains("error") : nullptr;
    const std::string words = told && told->is_string() ? std::string(told->get_string()) : fmt::format("status {}: {}", answer.status, excerpt(answer.body));
    return fail(ErrorCode::kUnavailable, "the server at {} says: {}", server.server.to_string(), words);
  }
  return *object;
}

uint64_t number_in(const boost::json::object& object, std::string_view name) {
  const auto* const found = object.if_contains(name);
  if (found == nullptr) return 0;
  if (found->is_uint64()) return found->get_uint64();
  return found->is_int64() && found->get_int64() > 0 ? static_cast<uint64_t>(found->get_int64()) : 0;
}

std::string text_in(const boost::json::object& object, std::string_view name) {
  const auto* const found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

backup::ProgressStatus progress_in(const boost::json::object& job) {
  return {.files = number_in(job, "files"), .files_total = number_in(job, "files_total"), .bytes = number_in(job, "bytes"),
          .bytes_total = number_in(job, "bytes_total"), .copied_bytes = number_in(job, "copied_bytes")};
}

// Shows how the backup is doing until it is done, and answers where it is and how far it came.
Result<std::pair<std::string, backup::ProgressStatus>> watch(const HttpServer& server, const std::string& id) {
  ProgressDisplay display("backing up");
  for (;; std::this_thread::sleep_for(kLookInterval)) {
    const auto answer = TRY(ask(server, "GET", "/api/v1/backups"));
    const auto* const found = answer.if_contains("job");
    const auto* const job = found ? found->if_object() : nullptr;
    if (job == nullptr || text_in(*job, "id") != id) {
      return fail(ErrorCode::kUnavailable, "the server at {} was started anew before the backup was done", server.server.to_string());
    }
    const backup::ProgressStatus status = progress_in(*job);
    display.show(status);
    const std::string state = text_in(*job, "state");
    if (state == "done") return std::pair(text_in(answer, "directory"), status);
    if (state != "running") return fail(ErrorCode::kUnavailable, "the backup {} failed: {}", id, text_in(*job, "error"));
  }
}

Result<void> back_up_running(const BackupArguments& arguments) {
  const HttpServer server = TRY(local_server(arguments.config, arguments.user));
  const auto begun = TRY(ask(server, "POST", fmt::format("/api/v1/backups?keep={}", arguments.keep)));
  const std::string id = text_in(begun, "id");
  const auto [directory, status] = TRY(watch(server, id));
  say_made(id, directory, status.files, status.bytes_total, status.copied_bytes);
  return {};
}

backup::Progress progress_on(ProgressDisplay& display) {
  return backup::Progress([&display](const backup::ProgressStatus& status) { display.show(status); });
}

Result<void> back_up_resting(const BackupArguments& arguments) {
  const std::filesystem::path data = arguments.config.data.directory;
  std::error_code error;
  // Opening would make it.
  if (!std::filesystem::is_directory(data, error)) return fail(ErrorCode::kNotFound, "there is no data directory {}; say where it is with --data or --config", data.string());
  const DataDirectory directory = TRY(DataDirectory::open(data));
  auto place = TRY(backup::Place::open(backup_directory(arguments.config, directory.path()), backup::Place::Use::kWrite));
  backup::DataFiles files = TRY(backup::read_resting(directory.path(), place.directory()));
  const int64_t time_ns = TRY(place.next_time_ns(SystemClock().now_ns()));
  backup::Manifest made;
  {
    ProgressDisplay display("backing up");
    auto progress = progress_on(display);
    made = TRY(backup::write_backup(place, files, {.id = backup::make_id(time_ns), .time_ns = time_ns, .program = CAMPANILE_VERSION, .keep = arguments.keep}, progress));
  }
  say_made(made.id, place.directory(), made.files.size(), made.bytes(), made.copied_bytes);
  return {};
}

Result<backup::CheckReport> verify_chosen(const std::string& path, const backup::RowCheck& check_row) {
  std::error_code error;
  if (std::filesystem::is_directory(std::filesystem::path(path) / "store", error)) {
    const DataDirectory directory = TRY(DataDirectory::open(path));
    return backup::verify_data(directory.path(), check_row);
  }
  const backup::Chosen chosen = TRY(backup::choose_backup(path));
  const auto place = TRY(backup::Place::open(chosen.directory, backup::Place::Use::kRead));
  ProgressDisplay display(fmt::format("verifying {}", chosen.id));
  auto progress = progress_on(display);
  return backup::verify_backup(place, chosen.id, progress, check_row);
}

Result<void> verify(const std::string& path) {
  RowCheck rows;
  backup::CheckReport report = TRY(verify_chosen(path, [&rows](std::string_view key, std::string_view value) { return rows(key, value); }));
  // Each is whole by itself; a start would find the gap between them.
  if (report.damages.empty() && rows.checkpoint_lsn() < report.journal_let_go) {
    report.damages.push_back(fmt::format("store: it ends at journal position {}, and the journal begins after {}: a file of the store is missing, or older than the others",
                                         rows.checkpoint_lsn(), report.journal_let_go));
  }
  if (report.damages.empty()) {
    say(fmt::format("{} is whole: {} files, {}, {} records in the journal, {} rows in the store", path, report.files, size_text(report.bytes),
                    report.journal_records, report.store_rows));
    return {};
  }
  for (const std::string& damage : report.damages) say(damage);
  return fail(ErrorCode::kCorrupt, "{} is damaged in {} place{}", path, report.damages.size(), report.damages.size() == 1 ? "" : "s");
}

Result<void> restore(const std::string& backup, const std::string& target) {
  const backup::Chosen chosen = TRY(backup::choose_backup(backup));
  const auto place = TRY(backup::Place::open(chosen.directory, backup::Place::Use::kRead));
  TRY(place.read(chosen.id));  // before a directory is made in vain
  TRY(backup::check_empty(target));
  const DataDirectory directory = TRY(DataDirectory::open(target));
  backup::Manifest restored;
  {
    ProgressDisplay display(fmt::format("restoring {}", chosen.id));
    auto progress = progress_on(display);
    restored = TRY(backup::restore_backup(place, chosen.id, directory.path(), progress));
  }
  say(fmt::format("backup {} restored into {}: {} files, {}; start with: campanile serve --data {}", restored.id, directory.path().string(), restored.files.size(),
                  size_text(restored.bytes()), directory.path().string()));
  return {};
}

}  // namespace

int backup_command(const BackupArguments& arguments) {
  return finish(arguments.offline ? back_up_resting(arguments) : back_up_running(arguments));
}

int verify_command(const std::string& path) { return finish(verify(path)); }

int restore_command(const std::string& backup, const std::string& directory) { return finish(restore(backup, directory)); }

}  // namespace campanile::app
