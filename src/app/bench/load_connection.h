// LoadConnection: one MQTT connection of a load run and what it has under way. LoadThread moves it along.
//
// Threads: its LoadThread's. Limits: `out` holds at most kOutBytesMax and the packet at hand; `in` the part of one packet.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "app/bench/delivery_tracker.h"
#include "app/bench/load_socket.h"

namespace campanile::app::bench {

inline constexpr size_t kOutBytesMax = 64 * 1024;

enum class Role : uint8_t { kPublisher, kSubscriber, kIdle, kVisitor };
enum class LinkState : uint8_t { kClosed, kConnecting, kLoggingIn, kUp };

// The publisher's half. A message of QoS 1 or 2 holds a slot, whose number + 1 is its packet identifier.
struct PublisherState {
  struct Slot {
    uint64_t sequence = 0;
    int64_t sent_ns = 0;
    bool in_use = false;
    bool released = false;  // QoS 2: PUBREL is sent, PUBCOMP is awaited
  };

  uint32_t number = 0;
  uint64_t next_sequence = 0;  // = messages sent
  std::vector<Slot> slots;
  std::vector<uint16_t> free_slots;
  std::unordered_set<uint64_t> refused;  // sequences that the broker did not take

  // Fewer where the broker's receive maximum is smaller. REQUIRES: nothing in flight.
  void set_window(uint16_t window) {
    slots.assign(window, {});
    free_slots.clear();
    for (uint32_t slot = window; slot > 0; --slot) free_slots.push_back(static_cast<uint16_t>(slot - 1));
  }
  size_t in_flight() const { return slots.size() - free_slots.size(); }
};

struct LoadConnection {
  LoadConnection(Role its_role, uint32_t its_number) : role(its_role), number(its_number) {}

  const Role role;
  LinkState state = LinkState::kClosed;
  bool watched_for_writing = false;
  bool was_up = false;
  uint32_t number;        // among all connections of the run, or of visitors
  int64_t opened_ns = 0;  // when connecting began
  int64_t heard_of_ns = 0;  // when something was last sent, for keep-alive
  LoadSocket socket;
  std::string out;
  size_t out_sent = 0;    // of `out`
  std::string in;         // the beginning of a packet
  std::unique_ptr<PublisherState> publisher;
  std::unique_ptr<DeliveryTracker> tracker;  // of a subscriber, where payloads are stamped
  uint64_t delivered = 0;

  size_t unsent() const { return out.size() - out_sent; }
};

}  // namespace campanile::app::bench
