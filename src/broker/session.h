// Session: what the broker keeps for one client identifier: the link it is connected over now (or none), messages on their way to
// it, messages that wait, QoS 2 identifiers on their way in, and its subscriptions [section 4.1].
//
//   const int loop = session->deliver(publication, terms, now_ns, traffic);   // from whichever loop the publisher is on
//   if (loop >= 0) wake(loop, session);                                       // that loop calls Link::flush()
//
// Why a lock and not a queue per loop: any loop delivers into any session, and an encoded packet is then copied once, from the
// publisher's input into the receiver's outbox, whoever is where. The order of one publisher's messages [MQTT-4.6.0-5] holds
// through take-over and resumption on another loop, since there is one queue.
//
// A session made with an expiry above 0 is durable: it tells the journal of every change, under its lock, so that the journal has its
// changes in their order. Only messages come to it otherwise, since one record tells all their receivers: reserve() puts a message into
// the queue, whoever delivers appends the record, recorded() lets the message go. What must not be seen before it is on disk (the
// packet identifier of a QoS 2 message, a PUBREL) holds the outbox back: take_output() then names an Lsn instead of handing bytes out.
//
// The sources: session.cc is its life, session_deliver.cc what goes out, session_queue.cc the queue in memory and on disk,
// session_shared.cc what a member of a shared subscription leaves to the others.
// Threads: every method from any thread, under the session's own short lock, which is a leaf but for RetainedStore's (read), the
// SessionStore's requests and the journal's. Methods that name a link are called on that link's loop.
// Limits: options.queue_*_max or the listener's, and in_flight_max; `outbox` by connection_bytes_max; what is in flight and kept by kInFlightBytesMax.
// Size: about 300 bytes while idle.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/result.h"
#include "base/small_mutex.h"
#include "broker/in_flight.h"
#include "broker/message.h"
#include "broker/options.h"
#include "broker/session_snapshot.h"
#include "broker/session_state.h"
#include "broker/string_map.h"
#include "broker/traffic.h"
#include "journal/journal.h"
#include "mqtt/encode.h"
#include "mqtt/packets.h"
#include "mqtt/topic_alias_sender.h"

namespace campanile::broker {

class Link;
class RetainedStore;
struct Delivery;
class SessionStore;

// What all sessions share.
struct SessionEnvironment {
  const BrokerOptions& options;
  const RetainedStore& retained;
  SessionStore& store;
  // Of all sessions: messages that wait, in memory or on disk, and their bytes; of these in memory, with what keeping them costs.
  std::atomic<size_t> queued_messages{0};
  std::atomic<size_t> queued_bytes{0};
  std::atomic<size_t> memory_bytes{0};
  std::atomic<size_t> in_flight_bytes{0};  // sent, not acknowledged, and kept
};

// What the client's CONNECT agreed on.
struct LinkTerms {
  uint16_t loop = 0;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  uint16_t receive_maximum = 65'535;
  uint16_t topic_alias_maximum = 0;  // of aliases to the client
  uint32_t packet_bytes_max = UINT32_MAX;
  uint32_t expiry_s = 0;  // of the session, after the link; 0: it ends with it
  QueueLimits queue;      // of its listener; holds until the next link
  const std::string* mount = nullptr;  // of its listener; null: none
};

struct SessionStatus {
  std::shared_ptr<Link> link;  // null: the client is away
  uint16_t loop = 0;           // the link's
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  uint32_t expiry_s = 0;
  int64_t since_ns = 0;  // wall time from which on the client has been connected, or away
  size_t subscriptions = 0;
  size_t in_flight = 0;
  size_t queued_messages = 0;  // that wait, in memory or on disk
  size_t queued_bytes = 0;
  size_t disk_messages = 0;    // of them on disk alone
  uint64_t messages_out = 0;  // since the session began, or the program did
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::string client_id, SessionEnvironment& environment, bool durable);
  // As it was before a restart.
  Session(SessionState state, SessionEnvironment& environment);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::string& client_id() const { return client_id_; }
  // Whether it is kept through a restart. Never changes.
  bool durable() const { return durable_; }
  uint64_t number() const { return number_; }  // of a durable one
  bool connected() const;
  bool ended() const;
  std::shared_ptr<Link> link() const;
  SessionStatus status() const;
  std::vector<std::string> filters() const;

  // Hands a message to the client, or to its queue. Returns the loop that must flush the link, or -1.
  // Messages of QoS 1 and 2 for a durable session go through reserve() instead.
  int deliver(Publication& publication, const DeliveryTerms& terms, int64_t now_ns, Traffic& traffic);
  // Several, in order. REQUIRES: each is for this session.
  int deliver(std::span<const Delivery> deliveries, int64_t now_ns, Traffic& traffic);
  // Puts a message of QoS 1 or 2 into a durable session's queue, from where it does not go before recorded(). Returns its sequence
  // number; 0 where it was dropped, and counted. REQUIRES: durable().
  uint64_t reserve(Publication& publication, const DeliveryTerms& terms, Traffic& traffic);
  // Its record has been appended. Returns as deliver().
  int recorded(uint64_t sequence, int64_t now_ns, Traffic& traffic);
  // Its record could not be appended: it was never here.
  void withdraw(uint64_t sequence);
  // Sends the retained messages that match `filter`, as fast as the connection takes them [MQTT-3.3.1-9]. Returns as deliver().
  int deliver_retained(std::string_view filter, DeliveryTerms terms, int64_t now_ns, Traffic& traffic);

  struct Attached {
    bool done = false;          // false: the session has ended, or must end because it leaves nothing behind: the caller ends it and
                                // makes a new one. Not so with an error.
    std::optional<Error> error; // the journal's
    journal::Lsn lsn = 0;       // CONNACK waits for it
    std::shared_ptr<Link> former;  // the caller tells it that it was taken over [MQTT-3.1.4-3]
    uint64_t will = 0;             // its will, which the caller publishes; 0: none
  };
  // Makes `link` the session's link, and writes again what was in flight [MQTT-4.4.0-1]. `will` is the link's, or null; it gets its session's number.
  Attached attach(std::shared_ptr<Link> link, const LinkTerms& terms, const std::shared_ptr<Will>& will, int64_t now_ns, Traffic& traffic);
  struct Detached {
    bool was_attached = false;  // false: another link has taken over, or the session has ended; its will is theirs
    uint64_t will = 0;          // its will, which the caller publishes; 0: none, or one with a delay
    uint32_t expiry_s = 0;
    uint32_t will_delay_s = 0;  // of the will that the session keeps now; 0: none
    uint32_t epoch = 0;
  };
  // A will with a delay stays until take_will().
  Detached detach(const Link* link, int64_t now_ns);
  // The link's will is not to be published.
  void forget_will(const Link* link);
  // Of the present link, or delayed; null: none.
  std::shared_ptr<const Will> will() const;
  // [MQTT-3.14.2-2]: a DISCONNECT may change the expiry, but not give one to a session without. False: it may not.
  bool set_expiry(uint32_t expiry_s);
  // For a session that was restored: what detach() told once.
  Detached away() const;

  // What waits to be sent, for the loop it is called on. `elsewhere` >= 0: the link is on that loop by now.
  struct Output {
    std::shared_ptr<Link> link;
    std::string bytes;
    bool more = false;  // pump() may have something to write once these are sent
    int elsewhere = -1;
    journal::Lsn wait_for = 0;  // above 0: nothing may be sent before that is durable; call again then
    bool stalled = false;       // the journal refused what must be recorded first: pump() in a while
  };
  Output take_output(uint16_t loop);
  // Writes more of what waits, as far as window and connection allow. True where there is output to take.
  bool pump(int64_t now_ns, Traffic& traffic);
  // How much the connection holds back, as last seen by its loop.
  void note_send_queue(size_t bytes) { send_queue_bytes_.store(bytes, std::memory_order_relaxed); }

  // PUBACK, PUBREC or PUBCOMP. Output may follow. Errors: the journal's, for a PUBREC that cannot be answered.
  Result<void> acknowledge(const mqtt::AckPacket& packet, int64_t now_ns, Traffic& traffic);
  // Many PUBACKs at once.
  void acknowledge(std::span<const uint16_t> packet_ids, int64_t now_ns, Traffic& traffic);

  // QoS 2 on its way in [MQTT-4.3.3-10]: identifiers that were received and not released, with the position after which the message is safe.
  void receive(uint16_t packet_id, journal::Lsn lsn);
  // The same, with the records that make it so: the one that the receivers share, and the sink's. All of it or nothing. REQUIRES: durable().
  Result<journal::Lsn> receive_recorded(uint16_t packet_id, std::span<const journal::NewRecord> unit);
  std::optional<journal::Lsn> received(uint16_t packet_id) const;
  // The position after which PUBCOMP may be sent; nothing where the identifier is not known. Errors: the journal's.
  Result<std::optional<journal::Lsn>> release(uint16_t packet_id);

  struct FilterAdded {
    enum class What : uint8_t { kNew, kKnown, kOverLimit, kEnded, kNotRecorded } what{};
    journal::Lsn lsn = 0;  // SUBACK waits for it
  };
  FilterAdded add_filter(std::string_view filter, const SubscriptionOptions& options);
  struct FilterRemoved {
    bool known = false;
    journal::Lsn lsn = 0;
  };
  FilterRemoved remove_filter(std::string_view filter);
  StringMap<SubscriptionOptions> subscriptions() const;

  // What a member of a shared subscription leaves to the others [section 4.8.2]: messages that it was not sent, and those of QoS 1
  // that it was sent and has not acknowledged. One of QoS 2 that was sent is nobody else's [MQTT-4.8.2-5].
  struct Unfinished {
    std::string filter;  // "$share/group/filter"
    MessagePtr message;
  };
  struct Ended {
    bool by_this_call = false;
    std::shared_ptr<Link> link;
    uint64_t will = 0;                 // to be published now; 0: none
    std::vector<std::string> filters;  // to be taken out of the subscription tree
    std::vector<Unfinished> unfinished;
    journal::Lsn lsn = 0;              // the end is safe after it
  };
  // For good: nothing is delivered or attached any more.
  Ended end(Traffic& traffic);
  // The same, only if the client has stayed away since detach() gave `epoch`.
  Ended end_if_away(uint32_t epoch, Traffic& traffic);
  // The delayed will, for the caller to publish, if the client has stayed away since; 0: none.
  uint64_t take_will(uint32_t epoch);

  // For SessionStore. False where there is nothing to write.
  bool take_snapshot(SessionSnapshot& out);
  void snapshot_written(const SessionSnapshot& snapshot, bool written);
  // Of queued messages in memory, with what keeping them costs.
  size_t memory_bytes() const;
  // Forgets those that are in the store.
  void release_memory();
  bool wants_rows_erased() const;
  struct LoadWanted {
    uint64_t number = 0;
    uint64_t first = 0;  // sequences, to before `end`
    uint64_t end = 0;
  };
  std::optional<LoadWanted> load_wanted() const;
  // The next of them. `at_end`: there are no more. Returns as deliver().
  int loaded(std::vector<LoadedMessage> portion, bool at_end, int64_t now_ns, Traffic& traffic);
  // Messages that have waited for too long, or are expired, from the front of the queue.
  void drop_old(int64_t now_ns, Traffic& traffic);

 private:
  struct Waiting;
  struct View;

  bool room_in_connection(size_t limit) const;
  size_t free_window() const;
  bool window_open() const;
  bool fits(const View& message, const OutgoingMessage& terms) const;
  void deliver_locked(Publication& publication, const DeliveryTerms& terms, int64_t now_ns, Traffic& traffic);
  void alias_topic(mqtt::OutgoingPublish& publish);
  bool is_outside(std::string_view topic) const;
  View unmounted(const View& message, std::string& properties) const;
  void write(const View& message, const OutgoingMessage& terms, bool duplicate, uint16_t id, int64_t now_ns, Traffic& traffic);
  void write_as_seen(const View& message, const OutgoingMessage& terms, bool duplicate, uint16_t id, int64_t now_ns, Traffic& traffic);
  void send_new(const View& message, OutgoingMessage out, int64_t now_ns, Traffic& traffic);
  void add_in_flight(const View& message, OutgoingMessage out, int64_t now_ns, Traffic& traffic);
  void finish_in_flight(uint16_t id, Traffic& traffic);
  void resend_in_flight(int64_t now_ns, Traffic& traffic);
  void send_retained(int64_t now_ns, Traffic& traffic);
  bool send_one_retained(const MessagePtr& message, OutgoingMessage out, int64_t now_ns, Traffic& traffic);
  void send_queue(int64_t now_ns, Traffic& traffic);
  bool give_id(const OutgoingMessage& out);
  void pump_locked(int64_t now_ns, Traffic& traffic);
  int wake_locked();
  const SubscriptionOptions* find_filter(std::string_view filter) const;
  size_t filter_count() const { return filters_ ? filters_->size() : 0; }
  Waiting& waiting();
  void hold_outbox_until(journal::Lsn lsn);

  // The queue.
  QueueLimits queue_limits() const;
  // Null where it is full; counted.
  OutgoingMessage* enqueue(Publication& publication, const DeliveryTerms& terms, bool recorded, Traffic& traffic);
  OutgoingMessage take_front();
  void drop_front(DropReason reason, Traffic& traffic);
  void drop_stale_front(int64_t now_ns, Traffic& traffic);
  std::optional<DropReason> stale(const Message& message, int64_t now_ns) const;
  OutgoingMessage* find_queued(uint64_t sequence);
  void ask_for_more();
  void forget_row(const OutgoingMessage& out);
  void record(std::string_view bytes);
  Result<journal::Lsn> record_attach(const LinkTerms& terms, const std::shared_ptr<Will>& will, uint64_t void_will);
  uint32_t will_delay_s() const;
  void fill_row(SessionRow& row);

  bool shares() const { return shared_filters_ > 0; }
  std::vector<Unfinished> unfinished() const;
  Ended end_locked(Traffic& traffic);

  const std::string client_id_;
  SessionEnvironment& environment_;
  std::atomic<size_t> send_queue_bytes_{0};
  const bool durable_;

  mutable SmallMutex mutex_;  // everything below
  std::shared_ptr<Link> link_;
  LinkTerms terms_;
  std::string outbox_;
  uint32_t outbox_hint_ = 0;  // its size at the last flush, to be reserved at once next time
  uint32_t epoch_ = 0;        // counts attach and detach
  uint32_t shared_filters_ = 0;
  bool ended_ = false;
  bool flush_pending_ = false;
  bool stalled_ = false;
  bool opened_ = false;   // the journal knows it
  bool changed_ = false;  // since the last snapshot
  bool in_store_ = false; // it has, or may have, rows
  std::unique_ptr<mqtt::TopicAliasSender> aliases_;  // of the present link, made with its first message; null: it takes none
  std::unique_ptr<Waiting> waiting_;  // made with the first message that needs more than the outbox
  std::unique_ptr<absl::flat_hash_map<uint16_t, journal::Lsn>> received_;
  std::unique_ptr<StringMap<SubscriptionOptions>> filters_;  // made with the first subscription
  std::unique_ptr<StringSet> changed_filters_;  // durable: since the last snapshot
  uint64_t will_ = 0;              // number of the link's will, or the delayed one (broker/will_list.h); 0: none
  journal::Lsn outbox_lsn_ = 0;    // the outbox waits for it
  journal::Lsn waited_lsn_ = 0;    // somebody was told to call take_output() again after it
  uint64_t number_ = 0;            // in journal and store; 0: not known to either
  uint64_t next_sequence_ = 1;
  int64_t since_ns_ = 0;      // attached, or detached; wall time
  uint64_t messages_out_ = 0;
};

}  // namespace campanile::broker
