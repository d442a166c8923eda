#include "mqtt/protocol.h"

#include <array>

#include <fmt/format.h>

namespace campanile::mqtt {

std::string_view to_string(PacketType type) {
  static constexpr std::array<std::string_view, 16> kNames = {
      "RESERVED", "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
      "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
  return kNames[static_cast<uint8_t>(type) & 15];
}

namespace {

std::string_view name_of(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::kSuccess: return "success";
    case ReasonCode::kGrantedQos1: return "granted QoS 1";
    case ReasonCode::kGrantedQos2: return "granted QoS 2";
    case ReasonCode::kDisconnectWithWill: return "disconnect with will message";
    case ReasonCode::kNoMatchingSubscribers: return "no matching subscribers";
    case ReasonCode::kNoSubscriptionExisted: return "no subscription existed";
    case ReasonCode::kContinueAuthentication: return "continue authentication";
    case ReasonCode::kReauthenticate: return "re-authenticate";
    case ReasonCode::kUnspecifiedError: return "unspecified error";
    case ReasonCode::kMalformedPacket: return "malformed packet";
    case ReasonCode::kProtocolError: return "protocol error";
    case ReasonCode::kImplementationSpecificError: return "implementation specific error";
    case ReasonCode::kUnsupportedProtocolVersion: return "unsupported protocol version";
    case ReasonCode::kClientIdentifierNotValid: return "client identifier not valid";
    case ReasonCode::kBadUserNameOrPassword: return "bad user name or password";
    case ReasonCode::kNotAuthorized: return "not authorized";
    case ReasonCode::kServerUnavailable: return "server unavailable";
    case ReasonCode::kServerBusy: return "server busy";
    case ReasonCode::kBanned: return "banned";
    case ReasonCode::kServerShuttingDown: return "server shutting down";
    case ReasonCode::kBadAuthenticationMethod: return "bad authentication method";
    case ReasonCode::kKeepAliveTimeout: return "keep alive timeout";
    case ReasonCode::kSessionTakenOver: return "session taken over";
    case ReasonCode::kTopicFilterInvalid: return "topic filter invalid";
    case ReasonCode::kTopicNameInvalid: return "topic name invalid";
    case ReasonCode::kPacketIdentifierInUse: return "packet identifier in use";
    case ReasonCode::kPacketIdentifierNotFound: return "packet identifier not found";
    case ReasonCode::kReceiveMaximumExceeded: return "receive maximum exceeded";
    case ReasonCode::kTopicAliasInvalid: return "topic alias invalid";
    case ReasonCode::kPacketTooLarge: return "packet too large";
    case ReasonCode::kMessageRateTooHigh: return "message rate too high";
    case ReasonCode::kQuotaExceeded: return "quota exceeded";
    case ReasonCode::kAdministrativeAction: return "administrative action";
    case ReasonCode::kPayloadFormatInvalid: return "payload format invalid";
    case ReasonCode::kRetainNotSupported: return "retain not supported";
    case ReasonCode::kQosNotSupported: return "QoS not supported";
    case ReasonCode::kUseAnotherServer: return "use another server";
    case ReasonCode::kServerMoved: return "server moved";
    case ReasonCode::kSharedSubscriptionsNotSupported: return "shared subscriptions not supported";
    case ReasonCode::kConnectionRateExceeded: return "connection rate exceeded";
    case ReasonCode::kMaximumConnectTime: return "maximum connect time";
    case ReasonCode::kSubscriptionIdentifiersNotSupported: return "subscription identifiers not supported";
    case ReasonCode::kWildcardSubscriptionsNotSupported: return "wildcard subscriptions not supported";
  }
  return {};
}

}  // namespace

std::string to_string(ReasonCode reason) {
  const std::string_view name = name_of(reason);
  return name.empty() ? fmt::format("reason 0x{:02X}", static_cast<uint8_t>(reason)) : std::string(name);
}

bool may_carry(PacketType type, ReasonCode reason) {
  static constexpr std::string_view kPublished("\x00\x10\x80\x83\x87\x90\x91\x97\x99", 9);
  static constexpr std::string_view kReleased("\x00\x92", 2);
  static constexpr std::string_view kSubscribed("\x00\x01\x02\x80\x83\x87\x8F\x91\x97\x9E\xA1\xA2", 12);
  static constexpr std::string_view kUnsubscribed("\x00\x11\x80\x83\x87\x8F\x91", 7);
  static constexpr std::string_view kDisconnected(
      "\x00\x04\x80\x81\x82\x83\x87\x89\x8B\x8C\x8D\x8E\x8F\x90\x93\x94\x95\x96\x97\x98\x99\x9A\x9B\x9C\x9D\x9E\x9F\xA0\xA1\xA2", 30);
  static constexpr std::string_view kAuthenticated("\x00\x18\x19", 3);
  const auto among = [&](std::string_view allowed) { return allowed.find(static_cast<char>(reason)) != std::string_view::npos; };
  switch (type) {
    case PacketType::kPuback:
    case PacketType::kPubrec: return among(kPublished);
    case PacketType::kPubrel:
    case PacketType::kPubcomp: return among(kReleased);
    case PacketType::kSuback: return among(kSubscribed);
    case PacketType::kUnsuback: return among(kUnsubscribed);
    case PacketType::kDisconnect: return among(kDisconnected);
    case PacketType::kAuth: return among(kAuthenticated);
    default: return false;
  }
}

uint8_t connect_return_code(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::kUnsupportedProtocolVersion: return 1;
    case ReasonCode::kClientIdentifierNotValid: return 2;
    case ReasonCode::kServerUnavailable:
    case ReasonCode::kServerBusy:
    case ReasonCode::kServerShuttingDown:
    case ReasonCode::kQuotaExceeded:
    case ReasonCode::kConnectionRateExceeded: return 3;
    case ReasonCode::kBadUserNameOrPassword: return 4;
    case ReasonCode::kNotAuthorized:
    case ReasonCode::kBanned: return 5;
    default: return 0;
  }
}

ReasonCode reason_of_return_code(uint8_t return_code) {
  switch (return_code) {
    case 0: return ReasonCode::kSuccess;
    case 1: return ReasonCode::kUnsupportedProtocolVersion;
    case 2: return ReasonCode::kClientIdentifierNotValid;
    case 3: return ReasonCode::kServerUnavailable;
    case 4: return ReasonCode::kBadUserNameOrPassword;
    case 5: return ReasonCode::kNotAuthorized;
    default: return ReasonCode::kUnspecifiedError;
  }
}

}  // namespace campanile::mqtt
