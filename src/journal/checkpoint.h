// Checkpointer: a thread that now and then has every participant persist its part, then lets go of the journal's old segments.
//
//   Checkpointer checkpointer(journal, {&engine, &rejected, &retained}, options);
//   checkpointer.start();
//   ...
//   checkpointer.stop();   // does not checkpoint: the journal is replayed at the next start
//
// A checkpoint that fails lets go of nothing; it is logged and tried again after a while.
// Threads: start(), stop() and run_once() from the thread that owns it, failure() from any; participants are called from run_once() and from the
// checkpointer's thread, never from both at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "journal/journal.h"

namespace campanile::journal {

struct CheckpointOptions {
  uint64_t journal_bytes = 256ull << 20;  // a checkpoint begins when the journal holds more than that
  uint32_t interval_s = 600;              // or when the last one is that long ago and something was appended since
};

class Checkpointer {
 public:
  Checkpointer(Journal& journal, std::vector<Participant*> participants, const CheckpointOptions& options);
  ~Checkpointer();
  void start();
  void stop();
  // One checkpoint now, on the calling thread. Errors: the first participant's, with its name in front; kIoError.
  Result<void> run_once();
  // What kept the last one from succeeding; empty where it did.
  std::string failure() const;

 private:
  void run();
  Result<void> checkpoint();
  bool is_due() const;

  Journal& journal_;
  std::vector<Participant*> participants_;
  CheckpointOptions options_;

  std::mutex checkpoint_mutex_;  // one checkpoint at a time; may be held for long
  mutable std::mutex mutex_;     // what follows; never held during a checkpoint
  std::condition_variable wake_;
  bool stopping_ = false;
  std::string failure_;
  Lsn last_end_ = 0;               // the journal's end when the last good checkpoint began
  uint64_t last_kept_bytes_ = 0;   // what the journal held after it
  std::chrono::steady_clock::time_point last_time_;
  std::thread thread_;
};

}  // namespace campanile::journal
