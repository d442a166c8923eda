// Job: the recomputation of a continuous query over a time that has passed, as it is kept and shown.
//
//   const std::string row = encode_job(job);      // of the key-value store, under job_key(job.id): docs/format/jobs.md
//   const Job job = TRY(decode_job(row));
//
// Pure. Errors: kCorrupt; kUnsupported for a later format version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace campanile::app {

enum class JobState : uint8_t { kWaiting = 1, kRunning = 2, kPaused = 3, kFinished = 4, kFailed = 5, kCancelled = 6, kCreated = 7 };  // created: never run

std::string_view to_string(JobState state);

struct Job {
  uint64_t id = 0;
  std::string database;
  std::string query;         // its name, or that of a tier, a tree or one of their measurements
  std::string text;          // of the query when the job was made; what becomes of the query does not change the job; empty for tiers and trees
  std::string who;           // asked for it
  int64_t from_ns = 0;       // whole windows
  int64_t to_ns = 0;         // not part of it
  int64_t left_to_ns = 0;    // what is not done yet ends there: the newest is done first
  int64_t slice_ns = 0;      // how much is done at a time
  int64_t priority = 0;      // greater first
  JobState state = JobState::kCreated;
  uint64_t points = 0;       // written
  int64_t spent_ns = 0;      // of work
  int64_t created_ns = 0;
  int64_t changed_ns = 0;
  std::string error;         // kFailed

  bool is_over() const { return state == JobState::kFinished || state == JobState::kFailed || state == JobState::kCancelled; }
  bool waits() const { return state == JobState::kCreated || state == JobState::kWaiting; }
  double progress() const;   // 0 to 1
};

inline constexpr std::string_view kJobKeysBegin = "jb";
std::string job_key(uint64_t id);
std::string encode_job(const Job& job);
Result<Job> decode_job(std::string_view row);

}  // namespace campanile::app
