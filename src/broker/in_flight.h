// InFlight: QoS 1 and 2 messages sent to a client and not yet acknowledged to the end, by packet identifier, in the order of sending.
//
//   const uint16_t id = in_flight.add({.message = kept, .qos = 1});
//   if (InFlight::Entry* entry = in_flight.find(id)) in_flight.finish(id);
//
// Identifiers are given out one after another, so that an entry's place follows from its identifier: a ring, no search.
// A client that acknowledges later messages but never an early one leaves holes; when the ring spans kSpanMax identifiers,
// full() is true until it does. Threads: under the session's lock.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/message.h"

namespace campanile::broker {

// A message on its way to one receiver.
struct OutgoingMessage {
  // Where a copy lies in the store: nowhere, being written, or there.
  enum class Row : uint8_t { kNone, kWriting, kWritten };

  MessagePtr message;  // null where the session does not outlive the connection: then it is never sent again
  uint8_t qos = 0;
  bool retain = false;
  bool recorded = true;  // false: its record is about to be appended to the journal, and it must not be sent before
  Row row = Row::kNone;
  std::vector<uint32_t> subscription_ids;
  uint64_t sequence = 0;  // in its session; 0 where it never waited and the session keeps nothing
};

class InFlight {
 public:
  enum class Stage : uint8_t { kDone, kSent, kReceived };  // kReceived: PUBREC has come, PUBREL has gone
  struct Entry {
    OutgoingMessage out;
    Stage stage = Stage::kDone;
    bool on_link = false;  // sent over the present connection
  };
  static constexpr size_t kSpanMax = 32'768;

  // REQUIRES: !full(). The entry is live, in stage kSent, and on the link.
  uint16_t add(OutgoingMessage out);
  // The identifier that add() will give.
  uint16_t next_id() const { return id_at(span_); }
  // Puts back, in the order in which they were given, what was in flight before a restart; not on the link.
  // REQUIRES: nothing was added with add(). False where the identifiers cannot have been given in that order.
  bool restore(uint16_t id, OutgoingMessage out, Stage stage);
  // The live entry of that identifier, or null.
  Entry* find(uint16_t id);
  // REQUIRES: find(id) != nullptr.
  void finish(uint16_t id);

  bool full() const { return span_ >= kSpanMax; }
  bool empty() const { return live_ == 0; }
  size_t size() const { return live_; }
  size_t on_link() const { return on_link_; }

  // After a reconnection nothing is on the link; resend() then gives the live entries in order, each marked as on the link,
  // and null at the end.
  void lose_link();
  Entry* resend(uint16_t& id);
  bool resending() const { return resend_ < span_; }

  // Calls visit(id, entry) for each live entry, in order.
  template <typename Visit>
  void each(Visit visit) {
    for (size_t i = 0; i < span_; ++i) {
      if (at(i).stage != Stage::kDone) visit(id_at(i), at(i));
    }
  }

 private:
  Entry& at(size_t offset) { return ring_[(head_ + offset) & (ring_.size() - 1)]; }
  uint16_t id_at(size_t offset) const;
  void grow();

  std::vector<Entry> ring_;  // a power of two
  size_t head_ = 0;
  size_t span_ = 0;    // entries from the oldest live one to the newest
  size_t live_ = 0;
  size_t on_link_ = 0;
  size_t resend_ = 0;  // offset of the next entry to look at; span_ when all have been
  uint16_t first_id_ = 1;
};

}  // namespace campanile::broker
