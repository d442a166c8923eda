#include "app/recompute/job.h"

#include "codec/varint.h"

namespace campanile::app {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::kWaiting: return "waiting";
    case JobState::kRunning: return "running";
    case JobState::kPaused: return "paused";
    case JobState::kFinished: return "finished";
    case JobState::kFailed: return "failed";
    case JobState::kCancelled: return "cancelled";
    case JobState::kCreated: return "created";
  }
  return "";
}

double Job::progress() const {
  const double whole = static_cast<double>(to_ns) - static_cast<double>(from_ns);
  return whole <= 0 ? 1 : (static_cast<double>(to_ns) - static_cast<double>(left_to_ns)) / whole;
}

std::string job_key(uint64_t id) {
  std::string key(kJobKeysBegin);
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(id >> shift);
  return key;
}

std::string encode_job(const Job& job) {
  std::string out;
  out += static_cast<char>(kVersion);
  out += static_cast<char>(job.state);
  codec::append_varint(out, job.id);
  for (const std::string* text : {&job.database, &job.query, &job.text, &job.who, &job.error}) codec::append_bytes(out, *text);
  for (const int64_t number : {job.from_ns, job.to_ns, job.left_to_ns, job.slice_ns, job.priority, job.spent_ns, job.created_ns, job.changed_ns}) codec::append_signed(out, number);
  codec::append_varint(out, job.points);
  return out;
}

Result<Job> decode_job(std::string_view row) {
  codec::ByteReader in(row);
  const uint8_t version = in.byte();
  if (in.ok() && version != kVersion) return fail(ErrorCode::kUnsupported, "job of format version {}, this program reads {}", version, kVersion);
  Job job;
  const uint8_t state = in.byte();
  job.id = in.varint();
  for (std::string* text : {&job.database, &job.query, &job.text, &job.who, &job.error}) *text = in.sized_bytes();
  for (int64_t* number : {&job.from_ns, &job.to_ns, &job.left_to_ns, &job.slice_ns, &job.priority, &job.spent_ns, &job.created_ns, &job.changed_ns}) *number = in.signed_varint();
  job.points = in.varint();
  const bool fits = state >= 1 && state <= static_cast<uint8_t>(JobState::kCreated) && job.from_ns <= job.left_to_ns && job.left_to_ns <= job.to_ns && job.slice_ns > 0;
  if (!in.ok() || !in.at_end() || !fits) return fail(ErrorCode::kCorrupt, "job of {} bytes", row.size());
  job.state = static_cast<JobState>(state);
  return job;
}

}  // namespace campanile::app
