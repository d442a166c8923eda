// Session::Waiting: what a session keeps beyond its outbox, in the order in which it goes out: messages in flight, the queue, retained
// messages of new subscriptions. Internal to session*.cc; under the session's lock.
//
//   queue (memory, oldest) -> spilled rows (disk) -> tail (memory, newest)
//
// The tail is in use while there are spilled rows. All three are in the order of their sequence numbers.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/in_flight.h"
#include "broker/session.h"

namespace campanile::broker {

// What keeping a queued message costs beside its bytes, roughly.
inline constexpr size_t kQueuedOverheadBytes = 160;
// Kept messages in flight: no new one is sent above it, and above the smaller one while queues have more than their budget.
inline constexpr size_t kInFlightBytesMax = 4u << 20;
inline constexpr size_t kInFlightBytesShort = 64u << 10;

inline size_t memory_cost(const Message& message) { return message.bytes() + kQueuedOverheadBytes; }

struct Session::Waiting {
  InFlight in_flight;
  size_t in_flight_bytes = 0;  // of kept messages
  // Subscriptions whose retained messages are being sent. Only how far they are is kept, never the messages: a million of them may
  // match, and what is read when its turn comes is never older than what the subscription has delivered meanwhile.
  struct RetainedWalk {
    std::string filter;
    std::string after;  // the last topic that was sent
    DeliveryTerms terms;
  };
  std::deque<RetainedWalk> walks;
  std::deque<OutgoingMessage> queue;
  struct Spilled {
    uint64_t first = 0;  // sequences, to before `end`; not each is there
    uint64_t end = 0;
    size_t messages = 0;
    size_t bytes = 0;
    int64_t oldest_ns = 0;  // none was published before
    bool loading = false;
    std::deque<OutgoingMessage> tail;
  };
  std::unique_ptr<Spilled> spilled;
  std::vector<uint64_t> erased;  // rows of no further use
  // That wait, wherever they are.
  size_t messages = 0;
  size_t bytes = 0;
  size_t memory_bytes = 0;  // memory_cost() of those in memory

  bool anything_to_send() const { return in_flight.resending() || !walks.empty() || !queue.empty(); }
  size_t disk_messages() const { return spilled ? spilled->messages : 0; }
  // Where a new message goes.
  std::deque<OutgoingMessage>& newest() { return disk_messages() > 0 ? spilled->tail : queue; }
  // Once the last spilled row is loaded.
  void close_gap() {
    if (!spilled || spilled->messages > 0) return;
    for (OutgoingMessage& out : spilled->tail) queue.push_back(std::move(out));
    spilled.reset();
  }
  template <typename Visit>
  void each_queued(Visit visit) {
    for (OutgoingMessage& out : queue) visit(out);
    if (!spilled) return;
    for (OutgoingMessage& out : spilled->tail) visit(out);
  }
};

// A message's bytes, wherever they are.
struct Session::View {
  std::string_view topic;
  std::string_view payload;
  std::string_view properties;
  int64_t expires_ns = 0;

  static View of(const Publication& from) { return {from.topic, from.payload, from.properties, from.expires_ns}; }
  static View of(const Message& from) { return {from.topic, from.payload, from.properties, from.expires_ns}; }
};

}  // namespace campanile::broker
