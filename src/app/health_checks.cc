#include "app/health_checks.h"

#include <utility>

namespace campanile::app {
namespace {

std::optional<Finding> found(std::string message, bool stops_writes) {
  if (message.empty()) return std::nullopt;
  return Finding{.message = std::move(message), .stops_writes = stops_writes};
}

}  // namespace

HealthChecks::HealthChecks(HealthSources sources, const std::filesystem::path& data, uint64_t free_bytes_min, const Clock& clock)
    : sources_(sources), space_(data, free_bytes_min), clock_step_(clock), watch_(clock, checks(), [this] { measure(); }) {}

std::vector<HealthCheck> HealthChecks::checks() {
  return {
      {.name = "journal",
       .refused = "points, messages of QoS 1 and 2, and sessions that are to be kept; queries and messages of QoS 0 are served",
       .remedy = "make room on the disk of the data, or mend what the message names; the journal tries again every second",
       .look = [this] { return found(sources_.journal.status().failure, true); }},
      {.name = "chunks",
       .refused = "nothing while points find room in memory (storage.head_bytes_max), then all points",
       .remedy = "make room on the disk of the data, or mend what the message names; it is tried again every second",
       .look =
           [this] {
             auto status = sources_.engine.status();
             return found(std::move(status.failure), status.is_full);
           }},
      {.name = "checkpoint",
       .refused = "nothing; the journal grows meanwhile, and the next start takes longer",
       .remedy = "make room on the disk of the data, or mend what the message names; it is tried again every ten seconds",
       .look = [this] { return found(sources_.checkpointer.failure(), false); }},
      {.name = "rejected",
       .refused = "nothing while rejected messages find room in memory, then messages that would be rejected",
       .remedy = "make room on the disk of the data, or mend what the message names; it is tried again every second",
       .look = [this] { return found(sources_.rejected.failure(), false); }},
      {.name = "sessions",
       .refused = "nothing while queues find room in memory (mqtt.queue_memory_bytes_max), then the newest messages are dropped and counted",
       .remedy = "make room on the disk of the data, or mend it; it is tried again every second",
       .look = [this] { return found(sources_.sessions.failing() ? "queued messages cannot be moved between memory and disk" : "", false); }},
      {.name = "read_only",
       .refused = "points, messages of QoS 1 and 2, and sessions that are to be kept; queries and messages of QoS 0 are served",
       .remedy = "look why (dmesg), and mount it for writing again",
       .look = [this] { return space_.read_only(); }},
      {.name = "disk_space",
       .refused = "nothing yet",
       .remedy = "make room, add disk, or keep less: retention policies, mqtt.session_queues_bytes_max, ingest.rejected_bytes_max",
       .look = [this] { return space_.low(); }},
      {.name = "clock",
       .refused = "nothing",
       .remedy = "let the clock be kept by NTP, which slows it down instead of setting it back; nothing is lost, and this goes by itself",
       .look = [this] { return clock_step_.look(); }},
  };
}

void HealthChecks::measure() {
  space_.measure();
  sources_.rejected.flush_again();
}

}  // namespace campanile::app
