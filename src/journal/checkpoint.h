// Checkpointer: a thread that now and then has every participant persist its part, then lets go of the journal's old segments.
//
//   Checkpointer checkpointer(journal, {&engine, &rejected, &retained}, options);
//   checkpointer.start();
//   ...
//   checkpointer.stop();   // does not checkpoint: the journal is replayed at the next start
//
// Threads: start(), stop() and run_once() from the thread that owns it.
#pragma once

#include <condition_variable>
#include <mutex>
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
  // One checkpoint now, on the calling thread.
  Result<void> run_once();

 private:
  void run();

  Journal& journal_;
  std::vector<Participant*> participants_;
  CheckpointOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace campanile::journal
