// Message: what somebody published, kept as long as a session or the retained store needs it; Publication: the same while it is
// being handed out, when most receivers only need its bytes once.
//
// Threads: a Message never changes once made. A Publication belongs to the thread that hands it out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace campanile::broker {

class Session;
struct ReceivedMessage;

struct Message {
  std::string topic;
  std::string payload;
  std::string properties;  // version 5, those that travel with the message, encoded without a length
  int64_t published_ns = 0;
  int64_t expires_ns = 0;  // wall time [MQTT-3.3.2-5]; 0: never
  uint8_t qos = 0;
  bool retain = false;

  size_t bytes() const { return topic.size() + payload.size() + properties.size(); }
};

using MessagePtr = std::shared_ptr<const Message>;

struct Publication {
  std::string_view topic;
  std::string_view payload;
  std::string_view properties;
  int64_t published_ns = 0;
  int64_t expires_ns = 0;
  uint8_t qos = 0;
  bool retain = false;
  Session* publisher = nullptr;  // for the no-local option; null: not a client
  // Of QoS 2, from a session that is kept: its packet identifier.
  uint16_t received_id = 0;
  // Of such a message, or a will: the message for the sink, which is stored with the sessions' record.
  const ReceivedMessage* unstored = nullptr;
  uint64_t will = 0;             // its number, where it is one: retained, stored and delivered in one unit with the record that it is gone
  bool stays = false;            // the bytes stay where they are until BrokerLoop::end_batch()

  size_t bytes() const { return topic.size() + payload.size() + properties.size(); }
  // The message as an object of its own, made when the first receiver must keep it and shared by all that do.
  const MessagePtr& keep() {
    if (!kept) {
      kept = std::make_shared<const Message>(Message{.topic = std::string(topic), .payload = std::string(payload),
                                                     .properties = std::string(properties), .published_ns = published_ns,
                                                     .expires_ns = expires_ns, .qos = qos, .retain = retain});
    }
    return kept;
  }
  static Publication of(const MessagePtr& message) {
    return {.topic = message->topic, .payload = message->payload, .properties = message->properties, .published_ns = message->published_ns,
            .expires_ns = message->expires_ns, .qos = message->qos, .retain = message->retain, .kept = message};
  }

  MessagePtr kept;
};

// What the broker says of itself; clients may read it only.
inline bool is_own_topic(std::string_view topic) { return topic.starts_with("$SYS") && (topic.size() == 4 || topic[4] == '/'); }

inline bool is_expired(int64_t expires_ns, int64_t now_ns) { return expires_ns != 0 && expires_ns <= now_ns; }

// How one receiver gets a message.
struct DeliveryTerms {
  uint8_t qos = 0;  // granted; the message's own may be lower [MQTT-3.8.4-8]
  bool retain_as_published = false;
  std::vector<uint32_t> subscription_ids;
};

// What the last words of a client are, should its connection end without goodbye [section 3.1.2.5].
struct Will {
  MessagePtr message;
  uint32_t expiry_s = 0;  // 0: none; counts from when the will is published
  uint32_t delay_s = 0;
  std::string client_id;
  std::string user;
  uint64_t number = 0;   // its own (broker/will_list.h)
  uint64_t session = 0;  // of its client, where that is kept
};

}  // namespace campanile::broker
