// Properties of MQTT 5 packets [section 2.2.2]: one decoder that knows which property belongs where, one writer.
//
//   const Properties found = decode_properties(in, PropertyOwner::kConnect);   // in.failed() tells
//   if (found.has(PropertyId::kSessionExpiryInterval)) expiry = found.session_expiry_s;
//
//   PropertyWriter writer;
//   writer.u32(PropertyId::kSessionExpiryInterval, 60);
//   writer.append_to(out);       // length and properties
//
// Values are views into the input; user properties are read again from `raw` when somebody wants them, so that decoding never
// allocates. Threads: plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "mqtt/wire.h"

namespace campanile::mqtt {

enum class PropertyId : uint8_t {
  kPayloadFormatIndicator = 0x01,
  kMessageExpiryInterval = 0x02,
  kContentType = 0x03,
  kResponseTopic = 0x08,
  kCorrelationData = 0x09,
  kSubscriptionIdentifier = 0x0B,
  kSessionExpiryInterval = 0x11,
  kAssignedClientIdentifier = 0x12,
  kServerKeepAlive = 0x13,
  kAuthenticationMethod = 0x15,
  kAuthenticationData = 0x16,
  kRequestProblemInformation = 0x17,
  kWillDelayInterval = 0x18,
  kRequestResponseInformation = 0x19,
  kResponseInformation = 0x1A,
  kServerReference = 0x1C,
  kReasonString = 0x1F,
  kReceiveMaximum = 0x21,
  kTopicAliasMaximum = 0x22,
  kTopicAlias = 0x23,
  kMaximumQos = 0x24,
  kRetainAvailable = 0x25,
  kUserProperty = 0x26,
  kMaximumPacketSize = 0x27,
  kWildcardSubscriptionAvailable = 0x28,
  kSubscriptionIdentifierAvailable = 0x29,
  kSharedSubscriptionAvailable = 0x2A,
};

// Who carries the properties: a packet type, or the will inside CONNECT (table 2-4).
enum class PropertyOwner : uint8_t {
  kConnect, kConnack, kPublish, kWill, kPuback, kPubrec, kPubrel, kPubcomp, kSubscribe, kSuback, kUnsubscribe, kUnsuback,
  kDisconnect, kAuth,
};

struct Properties {
  bool has(PropertyId id) const { return (present >> static_cast<uint8_t>(id)) & 1; }

  uint64_t present = 0;  // a bit for each identifier
  uint8_t payload_format = 0;
  bool request_problem_information = true;
  bool request_response_information = false;
  uint8_t maximum_qos = 2;
  bool retain_available = true;
  bool wildcard_subscription_available = true;
  bool subscription_identifier_available = true;
  bool shared_subscription_available = true;
  uint16_t server_keep_alive_s = 0;
  uint16_t receive_maximum = 65535;
  uint16_t topic_alias_maximum = 0;
  uint16_t topic_alias = 0;
  uint32_t message_expiry_s = 0;
  uint32_t subscription_identifier = 0;  // the last of several
  uint32_t session_expiry_s = 0;
  uint32_t will_delay_s = 0;
  uint32_t maximum_packet_size = 0;
  std::string_view content_type;
  std::string_view response_topic;
  std::string_view correlation_data;
  std::string_view assigned_client_id;
  std::string_view authentication_method;
  std::string_view authentication_data;
  std::string_view response_information;
  std::string_view server_reference;
  std::string_view reason_string;
  std::string_view raw;  // all of them, encoded, without the length in front
};

// Reads the length and the properties. Violations: kMalformedPacket for an unknown or misplaced identifier or a bad value,
// kProtocolError for one that appears twice or holds a forbidden value.
Properties decode_properties(Reader& in, PropertyOwner owner);
// The same over bytes that have no length in front, such as Properties::raw.
Decoded<Properties> decode_properties(std::string_view raw, PropertyOwner owner);

// Calls `found` for each user property in order. `raw` has been validated by decode_properties().
void each_user_property(std::string_view raw, const std::function<void(std::string_view name, std::string_view value)>& found);

// Appends those of a PUBLISH's properties that travel with the message to its receivers unaltered [MQTT-3.3.2-4, 3.3.2-15, 3.3.2-16,
// 3.3.2-17, 3.3.2-18, 3.3.2-20], without a length; the topic alias, expiry and subscription identifiers belong to one hop.
void append_forwarded_properties(std::string& out, std::string_view raw);

class PropertyWriter {
 public:
  void u8(PropertyId id, uint8_t value);
  void u16(PropertyId id, uint16_t value);
  void u32(PropertyId id, uint32_t value);
  void varint(PropertyId id, uint32_t value);
  // REQUIRES: at most 65,535 bytes.
  void string(PropertyId id, std::string_view value);
  void user(std::string_view name, std::string_view value);

  const std::string& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  // The length, then the properties.
  void append_to(std::string& out) const;

 private:
  std::string bytes_;
};

}  // namespace campanile::mqtt
