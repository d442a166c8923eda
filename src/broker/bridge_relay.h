// BridgeRelay: what happens between a bridge's two connections, without a socket and without a clock. Each is that of an MQTT client, one
// to the local broker, one to the remote one; once both are accepted, every message and every acknowledgement that comes from the one
// goes on to the other, under the topic that it has there.
//
//   BridgeRelay relay(options, topics, identity, memory, handler);
//   relay.remote_opened(now);                         // queues CONNECT; then send(take_output(...)) after every call
//   used = relay.receive(BridgeSide::kRemote, bytes, now);
//   handler.on_local_wanted() -> relay.local_opened(now)
//   relay.notify_timer(now);                          // about twice a second
//
// Why packet identifiers pass unchanged: an acknowledgement of one side is then that of the other, and the exchange of a QoS 1 or 2
// message runs from session to session. The relay holds no message and no identifier, so it can fall at any moment: both sessions take
// up their exchanges where they were [MQTT-4.4.0-1], nothing is lost, and QoS 2 not doubled. For the same reason the window of the
// remote (receive maximum) is passed on to the local session, where what does not fit waits.
// Where only one of the two sessions is new, an identifier may mean an unfinished exchange of the former life to the older one, which would
// take a new QoS 2 message for its repetition: each identifier is released there before it is used for the first time (BridgeMemory).
//
// Threads: one owner. Ownership: what the constructor refers to outlives the relay. Limits: what is held back stays in the input
// (holding()); the owner bounds the output by not giving input. Errors: on_failed(), once; then both connections are to be closed.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "broker/bridge_options.h"
#include "broker/bridge_topics.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"

namespace campanile::broker {

enum class BridgeSide : uint8_t { kLocal, kRemote };

// Who we are, on either side.
struct BridgeIdentity {
  std::string broker_id;       // of this run of the program; tells a message that has come back
  bool try_private = true;     // version 3, see BridgeOptions
  uint16_t request_id = 1;     // of SUBSCRIBE and, one higher, UNSUBSCRIBE; 1 to 65534, another one each time
  std::vector<std::string> stale_filters;  // subscribed by the local session and no longer wanted
};

// What outlives a link, as long as the program runs.
struct BridgeMemory {
  // Identifiers that are released before their first use, on the side that kept its session when the other's was lost.
  struct Releases {
    bool wanted = false;
    std::bitset<65'536> done;
  };
  bool local_is_new = false;  // the local session was made by this run of the program, and no link has come up since
  Releases to_local;
  Releases to_remote;
};

struct BridgeTraffic {
  uint64_t messages_in = 0;   // from the remote
  uint64_t messages_out = 0;
  uint64_t dropped = 0;       // too large or too deep for the other side, or no topic of the list lets them pass
  uint64_t looped = 0;        // had been here, or there, before
};

struct BridgeFailure {
  std::string words;
  bool protocol_refused = false;  // the remote may not know the protocol version, or the bit of try_private
};

class BridgeRelayHandler {
 public:
  virtual ~BridgeRelayHandler() = default;
  // The remote has accepted us: connect to the local broker.
  virtual void on_local_wanted() = 0;
  // Both have accepted us and what we subscribe.
  virtual void on_up() = 0;
  // A subscription that the remote did not grant; the others work.
  virtual void on_not_granted(std::string_view filter, mqtt::ReasonCode reason) = 0;
  // What receive() left unused may be given again.
  virtual void on_input_wanted(BridgeSide side) = 0;
  virtual void on_failed(const BridgeFailure& failure) = 0;
};

class BridgeRelay {
 public:
  BridgeRelay(const BridgeOptions& options, const BridgeTopics& topics, const BridgeIdentity& identity, BridgeMemory& memory,
              BridgeRelayHandler& handler);

  void remote_opened(int64_t now_ns);
  void local_opened(int64_t now_ns);
  // Returns how much was used. Bytes beyond it come again with more behind them, or, while holding(), after on_input_wanted().
  size_t receive(BridgeSide side, std::string_view bytes, int64_t now_ns);
  bool holding(BridgeSide side) const { return end(side).holding; }
  std::string take_output(BridgeSide side) { return std::exchange(end(side).out, {}); }
  // The owner gives no input of that side for a while: its silence is not the other's.
  void excuse_silence(BridgeSide side) { end(side).ping_sent_ns = kNever; }
  void notify_timer(int64_t now_ns);
  // Says goodbye to both sides; the output is to be sent.
  void stop();

  // Whether the remote has let us in.
  bool accepted() const { return accepted_; }
  bool up() const { return stage_ == Stage::kRelaying && end(BridgeSide::kRemote).requests == 0 && end(BridgeSide::kLocal).requests == 0; }
  BridgeTraffic take_traffic() { return std::exchange(traffic_, {}); }

 private:
  enum class Stage : uint8_t { kIdle, kConnecting, kJoining, kRelaying, kEnded };
  static constexpr int64_t kNever = INT64_MAX;

  // Of requests, as bits.
  enum Request : uint8_t { kSubscribe = 1, kUnsubscribe = 2 };
  // One connection.
  struct End {
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV5;
    std::string out;
    std::string_view name;
    uint8_t requests = 0;  // not yet answered
    bool holding = false;
    // What it told in CONNACK.
    bool session_present = false;
    uint32_t packet_bytes_max = UINT32_MAX;
    uint16_t receive_maximum = UINT16_MAX;
    uint8_t maximum_qos = 2;
    bool retain_available = true;
    int64_t keep_alive_ns = 0;

    bool sent = false;  // since the timer looked
    int64_t sent_ns = 0;
    int64_t ping_sent_ns = kNever;  // kNever: no answer is waited for
    std::set<uint16_t> releases;    // PUBREL of our own, whose PUBCOMP is not passed on
    size_t skip = 0;                // bytes to come of a message that is too large
    absl::flat_hash_set<uint16_t> unfinished;  // QoS 1 and 2 messages from it that the other side has not acknowledged to the end
  };
  enum class Taken { kYes, kHeld };

  End& end(BridgeSide side) { return side == BridgeSide::kLocal ? local_ : remote_; }
  const End& end(BridgeSide side) const { return side == BridgeSide::kLocal ? local_ : remote_; }
  static BridgeSide other(BridgeSide side) { return side == BridgeSide::kLocal ? BridgeSide::kRemote : BridgeSide::kLocal; }

  Taken dispatch(BridgeSide side, const mqtt::Frame& frame);
  void receive_connack(BridgeSide side, const mqtt::Frame& frame);
  void joined();
  void receive_answer(BridgeSide side, const mqtt::Frame& frame);
  Taken receive_publish(BridgeSide side, const mqtt::Frame& frame);
  bool has_looped(BridgeSide side, std::string_view properties) const;
  bool must_wait(BridgeSide side, const mqtt::PublishPacket& packet) const;
  bool is_for_local(const mqtt::PublishPacket& packet) const;
  void pass_on(BridgeSide side, const mqtt::PublishPacket& packet);
  void release_first(BridgeSide to, uint16_t packet_id);
  void decline(BridgeSide side, const mqtt::PublishPacket& packet, mqtt::ReasonCode reason);
  void receive_ack(BridgeSide side, const mqtt::Frame& frame);
  size_t skip_large(BridgeSide side, std::string_view bytes);
  void subscribe_remote();
  void subscribe_local();
  void request(End& to, Request which, std::string_view packet);
  uint16_t id_of(Request which) const { return static_cast<uint16_t>(identity_.request_id + (which == kUnsubscribe ? 1 : 0)); }
  void publish_state(std::string_view state);
  void keep_alive(BridgeSide side);
  void wake(BridgeSide side);
  void fail(std::string words, bool protocol_refused = false);

  const BridgeOptions& options_;
  const BridgeTopics& topics_;
  const BridgeIdentity& identity_;
  BridgeMemory& memory_;
  BridgeRelayHandler& handler_;
  End local_{.name = "the local broker"};
  End remote_{.name = "the remote broker"};
  Stage stage_ = Stage::kIdle;
  int64_t now_ns_ = 0;
  int64_t stage_since_ns_ = 0;
  bool accepted_ = false;
  bool told_up_ = false;
  BridgeTraffic traffic_;
  std::string remote_id_;  // of a Campanile's present run; empty: not known
  std::string via_here_;   // the encoded user property that says that a message was here
  std::string via_there_;  // and at the remote, where its name is known
  std::string topic_;      // of the message at hand, on the other side
  std::string properties_;
};

}  // namespace campanile::broker
