// HealthChecks: everything of this program that may be wrong for a while and gets right by itself, with what is refused and what to do.
//
//   HealthChecks checks({.journal = *journal, ...}, data, config.storage.free_bytes_min, clock);
//   checks.start();
//   for (const api::Problem& problem : checks.now()) ...
//
// Threads: now() and free_bytes() from any; start() and stop() from the owner. Ownership: the sources outlive it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "app/clock_step.h"
#include "app/disk_space.h"
#include "app/health_watch.h"
#include "broker/session_store.h"
#include "ingest/rejected.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"
#include "tsdb/engine.h"

namespace campanile::app {

struct HealthSources {
  const journal::Journal& journal;
  const tsdb::Engine& engine;
  const journal::Checkpointer& checkpointer;
  ingest::RejectedStore& rejected;
  const broker::SessionStore& sessions;
};

class HealthChecks {
 public:
  HealthChecks(HealthSources sources, const std::filesystem::path& data, uint64_t free_bytes_min, const Clock& clock);

  void start() { watch_.start(); }
  void stop() { watch_.stop(); }
  std::vector<api::Problem> now() { return watch_.problems(); }
  uint64_t free_bytes() const { return space_.free_bytes(); }

 private:
  std::vector<HealthCheck> checks();
  void measure();

  const HealthSources sources_;
  DiskSpace space_;
  ClockStep clock_step_;
  HealthWatch watch_;
};

}  // namespace campanile::app
