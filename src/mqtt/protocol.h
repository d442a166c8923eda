// The words of MQTT that every other file here uses: versions, packet types, reason codes, limits.
//
//   if (reason >= ReasonCode::kUnspecifiedError) log::info("refused: {}", to_string(reason));
//
// Sources: MQTT Version 3.1.1 and MQTT Version 5.0 (OASIS). Clauses are cited as [MQTT-x.y.z-n], with the number of version 5
// where both versions say the same. Threads: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace campanile::mqtt {

// The protocol level as it stands in CONNECT. 3 is MQTT 3.1 ("MQIsdp"), which devices in the field still speak.
enum class ProtocolVersion : uint8_t { kV31 = 3, kV311 = 4, kV5 = 5 };

enum class PacketType : uint8_t {
  kReserved = 0,
  kConnect = 1,
  kConnack = 2,
  kPublish = 3,
  kPuback = 4,
  kPubrec = 5,
  kPubrel = 6,
  kPubcomp = 7,
  kSubscribe = 8,
  kSuback = 9,
  kUnsubscribe = 10,
  kUnsuback = 11,
  kPingreq = 12,
  kPingresp = 13,
  kDisconnect = 14,
  kAuth = 15,
};

// "PUBLISH"
std::string_view to_string(PacketType type);

// MQTT 5 section 2.4. Version 3 knows a handful of them, under other numbers: see connect_return_code().
enum class ReasonCode : uint8_t {
  kSuccess = 0x00,  // also granted QoS 0 and normal disconnection
  kGrantedQos1 = 0x01,
  kGrantedQos2 = 0x02,
  kDisconnectWithWill = 0x04,
  kNoMatchingSubscribers = 0x10,
  kNoSubscriptionExisted = 0x11,
  kContinueAuthentication = 0x18,
  kReauthenticate = 0x19,
  kUnspecifiedError = 0x80,
  kMalformedPacket = 0x81,
  kProtocolError = 0x82,
  kImplementationSpecificError = 0x83,
  kUnsupportedProtocolVersion = 0x84,
  kClientIdentifierNotValid = 0x85,
  kBadUserNameOrPassword = 0x86,
  kNotAuthorized = 0x87,
  kServerUnavailable = 0x88,
  kServerBusy = 0x89,
  kBanned = 0x8A,
  kServerShuttingDown = 0x8B,
  kBadAuthenticationMethod = 0x8C,
  kKeepAliveTimeout = 0x8D,
  kSessionTakenOver = 0x8E,
  kTopicFilterInvalid = 0x8F,
  kTopicNameInvalid = 0x90,
  kPacketIdentifierInUse = 0x91,
  kPacketIdentifierNotFound = 0x92,
  kReceiveMaximumExceeded = 0x93,
  kTopicAliasInvalid = 0x94,
  kPacketTooLarge = 0x95,
  kMessageRateTooHigh = 0x96,
  kQuotaExceeded = 0x97,
  kAdministrativeAction = 0x98,
  kPayloadFormatInvalid = 0x99,
  kRetainNotSupported = 0x9A,
  kQosNotSupported = 0x9B,
  kUseAnotherServer = 0x9C,
  kServerMoved = 0x9D,
  kSharedSubscriptionsNotSupported = 0x9E,
  kConnectionRateExceeded = 0x9F,
  kMaximumConnectTime = 0xA0,
  kSubscriptionIdentifiersNotSupported = 0xA1,
  kWildcardSubscriptionsNotSupported = 0xA2,
};

// In words for people: "not authorized". Codes without a name give "reason 0xNN".
std::string to_string(ReasonCode reason);
// Table 2-6: whether a PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT or AUTH may carry it [MQTT-3.4.2-1, 3.5.2-1,
// 3.6.2-1, 3.7.2-1, 3.9.3-2, 3.11.3-2, 3.14.2-1, 3.15.2-1]; what only one side may say is allowed to both.
bool may_carry(PacketType type, ReasonCode reason);
inline bool is_error(ReasonCode reason) { return static_cast<uint8_t>(reason) >= 0x80; }

// The CONNACK return code of MQTT 3.1.1 table 3.1 that says the same; 0 stands for reasons that version 3 cannot tell, where
// the connection is closed without a CONNACK.
uint8_t connect_return_code(ReasonCode reason);
// And back, for clients.
ReasonCode reason_of_return_code(uint8_t return_code);

// What the longest topic can have, of slashes alone: the standard knows no other limit [section 4.7.3].
inline constexpr uint32_t kTopicLevelsLimit = 65'536;

// What one side expects of the other; a packet beyond it is refused before it is buffered.
struct Limits {
  uint32_t packet_bytes_max = 1u << 20;   // a whole packet; up to 256 MiB
  uint32_t topic_levels_max = kTopicLevelsLimit;  // of a topic name or filter
  uint16_t receive_maximum = 1024;        // QoS 1 and 2 messages of version 5 clients not yet acknowledged
  uint16_t topic_alias_maximum = 64;      // of version 5 clients
  uint16_t filters_per_packet_max = 4096; // of one SUBSCRIBE or UNSUBSCRIBE
};

// The largest packet that the remaining length can state: 1 + 4 + 268,435,455 bytes.
inline constexpr size_t kPacketBytesLimit = 268'435'460;

// What the other side did wrong. `what` is a string literal.
struct Violation {
  ReasonCode reason = ReasonCode::kMalformedPacket;
  const char* what = "";
};

}  // namespace campanile::mqtt
