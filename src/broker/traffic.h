// Traffic: what passed through the broker, counted in plain integers by each loop and added to the shared counters once per batch.
//
//   traffic.drop(DropReason::kQueueFull);
//   counters.add(traffic);          // at the end of a batch; empties it
//
// Threads: a Traffic belongs to one loop; BrokerCounters may be added to and read from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/metrics.h"

namespace campanile::broker {

// Why a message did not reach a receiver.
enum class DropReason : uint8_t {
  kSlowConsumer,    // QoS 0, and more than connection_bytes_max wait for the connection
  kQueueFull,       // QoS 1 or 2, and the client's queue is at its limit of messages or bytes
  kOffline,         // QoS 0 for a session whose client is away
  kExpired,         // older than its message expiry interval
  kPacketTooLarge,  // larger than the receiver's maximum packet size
  kDenied,          // published to a topic that is the broker's own
  kRetainedLimit,   // delivered, but not retained: the retained store is full
  kSessionEnded,    // queued or unacknowledged when the session ended
  kQueuesFull,      // QoS 1 or 2, and all queues together are at their limit, on disk or, while the disk refuses, in memory
  kTooOld,          // QoS 1 or 2, and waited longer than the queue's greatest age
  kStoreFailed,     // QoS 1 or 2, and the disk did not take it or give it back
  kLooped,          // came back over bridges to the broker that it had left
};
inline constexpr size_t kDropReasons = 12;
// "slow_consumer"
std::string_view to_string(DropReason reason);

struct Traffic {
  uint64_t messages_in = 0;  // PUBLISH packets
  uint64_t messages_out = 0;
  uint64_t payload_bytes_in = 0;  // of those
  uint64_t payload_bytes_out = 0;
  uint64_t packets_in = 0;   // of every type
  uint64_t others_out = 0;   // of every type but PUBLISH
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  int64_t in_flight = 0;     // messages more, or fewer, that are sent and not acknowledged
  std::array<uint64_t, kDropReasons> dropped{};
  bool touched = false;

  void drop(DropReason reason, uint64_t count = 1) {
    dropped[static_cast<size_t>(reason)] += count;
    touched = true;
  }
};

class BrokerCounters {
 public:
  explicit BrokerCounters(Metrics& metrics);

  void add(Traffic& traffic);

  Counter& messages_in;
  Counter& messages_out;
  Counter& payload_bytes_in;
  Counter& payload_bytes_out;
  Counter& packets_in;
  Counter& others_out;
  Counter& bytes_in;
  Counter& bytes_out;
  Counter& sockets_opened;
  Counter& connections_opened;
  Counter& connections_refused;
  Counter& violations;
  Counter& sessions_expired;
  Counter& reading_paused;
  Counter& input_cut;
  std::atomic<int64_t> in_flight_messages{0};  // now, of all sessions
  std::array<Counter*, kDropReasons> dropped;
};

}  // namespace campanile::broker
