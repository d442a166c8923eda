// Session: what the broker keeps for one client identifier: the link it is connected over now (or none), messages on their way to
// it, messages that wait, QoS 2 identifiers on their way in, and the names of its subscriptions [section 4.1].
//
//   const int loop = session->deliver(publication, terms, now_ns, traffic);   // from whichever loop the publisher is on
//   if (loop >= 0) wake(loop, session);                                       // that loop calls Link::flush()
//
// Why a lock and not a queue per loop: any loop delivers into any session, and an encoded packet is then copied once, from the
// publisher's input into the receiver's outbox, whoever is where. The order of one publisher's messages [MQTT-4.6.0-5] holds
// through take-over and resumption on another loop, since there is one queue.
// Threads: every method from any thread, under the session's own short lock, which is a leaf but for RetainedStore's (read).
// Methods that name a link are called on that link's loop.
// Limits: options.queue_*_max and in_flight_max; `outbox` by connection_bytes_max. Size: about 300 bytes while idle.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "broker/in_flight.h"
#include "broker/message.h"
#include "broker/options.h"
#include "broker/string_map.h"
#include "broker/traffic.h"
#include "journal/journal.h"
#include "mqtt/encode.h"
#include "mqtt/packets.h"
#include "mqtt/topic_alias_sender.h"

namespace campanile::broker {

class Link;
class RetainedStore;

// What all sessions share.
struct SessionEnvironment {
  const BrokerOptions& options;
  const RetainedStore& retained;
  std::atomic<size_t> queued_bytes{0};  // of all sessions, like the next
  std::atomic<size_t> queued_messages{0};
};

// What the client's CONNECT agreed on.
struct LinkTerms {
  uint16_t loop = 0;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  uint16_t receive_maximum = 65'535;
  uint16_t topic_alias_maximum = 0;  // of aliases to the client
  uint32_t packet_bytes_max = UINT32_MAX;
  uint32_t expiry_s = 0;  // of the session, after the link; 0: it ends with it
};

struct SessionStatus {
  std::shared_ptr<Link> link;  // null: the client is away
  uint16_t loop = 0;           // the link's
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  uint32_t expiry_s = 0;
  int64_t since_ns = 0;  // wall time from which on the client has been connected, or away
  size_t subscriptions = 0;
  size_t in_flight = 0;
  size_t queued_messages = 0;
  size_t queued_bytes = 0;
  uint64_t messages_out = 0;  // since the session began
};

class Session {
 public:
  Session(std::string client_id, SessionEnvironment& environment);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::string& client_id() const { return client_id_; }
  bool connected() const;
  bool ended() const;
  std::shared_ptr<Link> link() const;
  SessionStatus status() const;
  std::vector<std::string> filters() const;

  // Hands a message to the client, or to its queue. Returns the loop that must flush the link, or -1.
  int deliver(Publication& publication, const DeliveryTerms& terms, int64_t now_ns, Traffic& traffic);
  // Sends the retained messages that match `filter`, as fast as the connection takes them [MQTT-3.3.1-9]. Returns as deliver().
  int deliver_retained(std::string_view filter, DeliveryTerms terms, int64_t now_ns, Traffic& traffic);

  // Makes `link` the session's link, and writes again what was in flight [MQTT-4.4.0-1]. False where the session has ended.
  // or must end because its present link leaves nothing behind (expiry 0): the caller ends it and makes a new one.
  // `former` gets the link that was there: the caller tells it that it was taken over [MQTT-3.1.4-3].
  bool attach(std::shared_ptr<Link> link, const LinkTerms& terms, int64_t now_ns, Traffic& traffic, std::shared_ptr<Link>& former);
  struct Detached {
    bool was_attached = false;  // false: another link has taken over, or the session has ended
    bool ended = false;
    uint32_t expiry_s = 0;
    uint32_t will_delay_s = 0;  // of the will that the session keeps now; 0: none
    uint32_t epoch = 0;
  };
  // Keeps `will` until take_will() where it has a delay and the link was attached; leaves it to the caller otherwise.
  Detached detach(const Link* link, std::unique_ptr<Will>& will, int64_t now_ns);
  // [MQTT-3.14.2-2]: a DISCONNECT may change the expiry, but not give one to a session without. False: it may not.
  bool set_expiry(uint32_t expiry_s);

  // What waits to be sent, for the loop it is called on. `elsewhere` >= 0: the link is on that loop by now.
  struct Output {
    std::shared_ptr<Link> link;
    std::string bytes;
    bool more = false;  // pump() may have something to write once these are sent
    int elsewhere = -1;
  };
  Output take_output(uint16_t loop);
  // Writes more of what waits, as far as window and connection allow. True where there is output to take.
  bool pump(int64_t now_ns, Traffic& traffic);
  // How much the connection holds back, as last seen by its loop.
  void note_send_queue(size_t bytes) { send_queue_bytes_.store(bytes, std::memory_order_relaxed); }

  // PUBACK, PUBREC or PUBCOMP. Output may follow.
  void acknowledge(const mqtt::AckPacket& packet, int64_t now_ns, Traffic& traffic);

  // QoS 2 on its way in [MQTT-4.3.3-10]: identifiers that were received and not released, with the position after which the message is safe.
  void receive(uint16_t packet_id, journal::Lsn lsn);
  std::optional<journal::Lsn> received(uint16_t packet_id) const;
  std::optional<journal::Lsn> release(uint16_t packet_id);

  enum class FilterAdded { kYes, kKnown, kOverLimit, kEnded };
  FilterAdded add_filter(std::string_view filter);
  bool remove_filter(std::string_view filter);

  struct Ended {
    bool by_this_call = false;
    std::shared_ptr<Link> link;
    std::unique_ptr<Will> will;
    std::vector<std::string> filters;  // to be taken out of the subscription tree
  };
  // For good: nothing is delivered or attached any more.
  Ended end(Traffic& traffic);
  // The same, only if the client has stayed away since detach() gave `epoch`.
  Ended end_if_away(uint32_t epoch, Traffic& traffic);
  // The delayed will, if the client has stayed away since.
  std::unique_ptr<Will> take_will(uint32_t epoch);

 private:
  struct Waiting;
  struct View;

  bool room_in_connection(size_t limit) const;
  size_t free_window() const;
  bool fits(const View& message, const OutgoingMessage& terms) const;
  void alias_topic(mqtt::OutgoingPublish& publish);
  void write(const View& message, const OutgoingMessage& terms, bool duplicate, uint16_t id, int64_t now_ns, Traffic& traffic);
  void send_new(const View& message, OutgoingMessage out, int64_t now_ns, Traffic& traffic);
  bool enqueue(Publication& publication, const DeliveryTerms& terms, uint8_t qos, bool retain);
  void resend_in_flight(int64_t now_ns, Traffic& traffic);
  void send_retained(int64_t now_ns, Traffic& traffic);
  void send_queue(int64_t now_ns, Traffic& traffic);
  void pump_locked(int64_t now_ns, Traffic& traffic);
  int wake_locked();
  Waiting& waiting();
  Ended end_locked(Traffic& traffic);

  const std::string client_id_;
  SessionEnvironment& environment_;
  std::atomic<size_t> send_queue_bytes_{0};

  mutable std::mutex mutex_;  // everything below
  std::shared_ptr<Link> link_;
  LinkTerms terms_;
  std::string outbox_;
  uint32_t outbox_hint_ = 0;  // its size at the last flush, to be reserved at once next time
  uint32_t epoch_ = 0;        // counts attach and detach
  int64_t since_ns_ = 0;      // attached, or detached
  uint64_t messages_out_ = 0;
  bool ended_ = false;
  bool flush_pending_ = false;
  std::unique_ptr<mqtt::TopicAliasSender> aliases_;  // of the present link, made with its first message; null: it takes none
  std::unique_ptr<Waiting> waiting_;  // made with the first message that needs more than the outbox
  std::unique_ptr<absl::flat_hash_map<uint16_t, journal::Lsn>> received_;
  StringSet filters_;
  std::unique_ptr<Will> will_;
};

}  // namespace campanile::broker
