#include "mqtt/properties.h"

namespace campanile::mqtt {
namespace {

enum class Form : uint8_t { kNone, kByte, kU16, kU32, kVarint, kString, kBinary, kPair };

constexpr uint16_t on(PropertyOwner owner) { return static_cast<uint16_t>(1u << static_cast<uint8_t>(owner)); }
template <typename... Owners>
constexpr uint16_t on(PropertyOwner first, Owners... others) {
  return static_cast<uint16_t>(on(first) | on(others...));
}

struct Rule {
  Form form = Form::kNone;
  uint16_t owners = 0;
};

constexpr uint16_t kAnyOwner = 0x3fff;

// Table 2-4 of the standard.
constexpr Rule rule_of(uint8_t id) {
  using enum PropertyOwner;
  switch (static_cast<PropertyId>(id)) {
    case PropertyId::kPayloadFormatIndicator: return {Form::kByte, on(kPublish, kWill)};
    case PropertyId::kMessageExpiryInterval: return {Form::kU32, on(kPublish, kWill)};
    case PropertyId::kContentType: return {Form::kString, on(kPublish, kWill)};
    case PropertyId::kResponseTopic: return {Form::kString, on(kPublish, kWill)};
    case PropertyId::kCorrelationData: return {Form::kBinary, on(kPublish, kWill)};
    case PropertyId::kSubscriptionIdentifier: return {Form::kVarint, on(kPublish, kSubscribe)};
    case PropertyId::kSessionExpiryInterval: return {Form::kU32, on(kConnect, kConnack, kDisconnect)};
    case PropertyId::kAssignedClientIdentifier: return {Form::kString, on(kConnack)};
    case PropertyId::kServerKeepAlive: return {Form::kU16, on(kConnack)};
    case PropertyId::kAuthenticationMethod: return {Form::kString, on(kConnect, kConnack, kAuth)};
    case PropertyId::kAuthenticationData: return {Form::kBinary, on(kConnect, kConnack, kAuth)};
    case PropertyId::kRequestProblemInformation: return {Form::kByte, on(kConnect)};
    case PropertyId::kWillDelayInterval: return {Form::kU32, on(kWill)};
    case PropertyId::kRequestResponseInformation: return {Form::kByte, on(kConnect)};
    case PropertyId::kResponseInformation: return {Form::kString, on(kConnack)};
    case PropertyId::kServerReference: return {Form::kString, on(kConnack, kDisconnect)};
    case PropertyId::kReasonString:
      return {Form::kString, on(kConnack, kPuback, kPubrec, kPubrel, kPubcomp, kSuback, kUnsuback, kDisconnect, kAuth)};
    case PropertyId::kReceiveMaximum: return {Form::kU16, on(kConnect, kConnack)};
    case PropertyId::kTopicAliasMaximum: return {Form::kU16, on(kConnect, kConnack)};
    case PropertyId::kTopicAlias: return {Form::kU16, on(kPublish)};
    case PropertyId::kMaximumQos: return {Form::kByte, on(kConnack)};
    case PropertyId::kRetainAvailable: return {Form::kByte, on(kConnack)};
    case PropertyId::kUserProperty: return {Form::kPair, kAnyOwner};
    case PropertyId::kMaximumPacketSize: return {Form::kU32, on(kConnect, kConnack)};
    case PropertyId::kWildcardSubscriptionAvailable: return {Form::kByte, on(kConnack)};
    case PropertyId::kSubscriptionIdentifierAvailable: return {Form::kByte, on(kConnack)};
    case PropertyId::kSharedSubscriptionAvailable: return {Form::kByte, on(kConnack)};
  }
  return {};
}

struct Value {
  uint32_t number = 0;
  std::string_view text;
  std::string_view second;  // of a pair
};

Value read_value(Reader& in, Form form) {
  switch (form) {
    case Form::kByte: return {.number = in.u8()};
    case Form::kU16: return {.number = in.u16()};
    case Form::kU32: return {.number = in.u32()};
    case Form::kVarint: return {.number = in.varint()};
    case Form::kString: return {.text = in.string()};
    case Form::kBinary: return {.text = in.binary()};
    case Form::kPair: {
      const std::string_view name = in.string();
      return {.text = name, .second = in.string()};
    }
    case Form::kNone: break;
  }
  return {};
}

// Every byte property is a yes or no, or a QoS of 0 or 1 [3.2.2.3.4]; no integer that must not be zero may be.
bool is_forbidden(PropertyId id, Form form, const Value& value) {
  if (form == Form::kByte) return value.number > 1;
  switch (id) {
    case PropertyId::kReceiveMaximum:          // [3.1.2.11.3]
    case PropertyId::kMaximumPacketSize:       // [3.1.2.11.4]
    case PropertyId::kSubscriptionIdentifier:  // [3.8.2.1.2]
      return value.number == 0;
    default: return false;
  }
}

void keep(Properties& found, PropertyId id, const Value& value) {
  switch (id) {
    case PropertyId::kPayloadFormatIndicator: found.payload_format = static_cast<uint8_t>(value.number); break;
    case PropertyId::kMessageExpiryInterval: found.message_expiry_s = value.number; break;
    case PropertyId::kContentType: found.content_type = value.text; break;
    case PropertyId::kResponseTopic: found.response_topic = value.text; break;
    case PropertyId::kCorrelationData: found.correlation_data = value.text; break;
    case PropertyId::kSubscriptionIdentifier: found.subscription_identifier = value.number; break;
    case PropertyId::kSessionExpiryInterval: found.session_expiry_s = value.number; break;
    case PropertyId::kAssignedClientIdentifier: found.assigned_client_id = value.text; break;
    case PropertyId::kServerKeepAlive: found.server_keep_alive_s = static_cast<uint16_t>(value.number); break;
    case PropertyId::kAuthenticationMethod: found.authentication_method = value.text; break;
    case PropertyId::kAuthenticationData: found.authentication_data = value.text; break;
    case PropertyId::kRequestProblemInformation: found.request_problem_information = value.number != 0; break;
    case PropertyId::kWillDelayInterval: found.will_delay_s = value.number; break;
    case PropertyId::kRequestResponseInformation: found.request_response_information = value.number != 0; break;
    case PropertyId::kResponseInformation: found.response_information = value.text; break;
    case PropertyId::kServerReference: found.server_reference = value.text; break;
    case PropertyId::kReasonString: found.reason_string = value.text; break;
    case PropertyId::kReceiveMaximum: found.receive_maximum = static_cast<uint16_t>(value.number); break;
    case PropertyId::kTopicAliasMaximum: found.topic_alias_maximum = static_cast<uint16_t>(value.number); break;
    case PropertyId::kTopicAlias: found.topic_alias = static_cast<uint16_t>(value.number); break;
    case PropertyId::kMaximumQos: found.maximum_qos = static_cast<uint8_t>(value.number); break;
    case PropertyId::kRetainAvailable: found.retain_available = value.number != 0; break;
    case PropertyId::kUserProperty: break;
    case PropertyId::kMaximumPacketSize: found.maximum_packet_size = value.number; break;
    case PropertyId::kWildcardSubscriptionAvailable: found.wildcard_subscription_available = value.number != 0; break;
    case PropertyId::kSubscriptionIdentifierAvailable: found.subscription_identifier_available = value.number != 0; break;
    case PropertyId::kSharedSubscriptionAvailable: found.shared_subscription_available = value.number != 0; break;
  }
}

void decode_into(Properties& found, Reader& in, PropertyOwner owner) {
  while (!in.empty() && !in.failed()) {
    // The identifier is a variable byte integer, but all that exist fit one byte.
    const uint32_t number = in.varint();
    const Rule rule = number <= 0xff ? rule_of(static_cast<uint8_t>(number)) : Rule{};
    if (rule.form == Form::kNone) {
      in.fail(ReasonCode::kMalformedPacket, "an unknown property");
      return;
    }
    if (!(rule.owners & on(owner))) {
      in.fail(ReasonCode::kMalformedPacket, "a property that this packet may not carry");  // [2.2.2.2]
      return;
    }
    const auto id = static_cast<PropertyId>(number);
    const bool repeats = id == PropertyId::kUserProperty || (id == PropertyId::kSubscriptionIdentifier && owner == PropertyOwner::kPublish);
    if (found.has(id) && !repeats) {
      in.fail(ReasonCode::kProtocolError, "a property appears twice");
      return;
    }
    const Value value = read_value(in, rule.form);
    if (in.failed()) return;
    if (is_forbidden(id, rule.form, value)) {
      in.fail(ReasonCode::kProtocolError, "a property holds a value that it may not have");
      return;
    }
    found.present |= uint64_t{1} << static_cast<uint8_t>(id);
    keep(found, id, value);
  }
}

}  // namespace

Properties decode_properties(Reader& in, PropertyOwner owner) {
  Properties found;
  const uint32_t size = in.varint();
  found.raw = in.bytes(size);
  if (in.failed() || found.raw.empty()) return found;
  Reader inner(found.raw);
  decode_into(found, inner, owner);
  if (inner.failed()) in.fail(inner.violation().reason, inner.violation().what);
  return found;
}

Decoded<Properties> decode_properties(std::string_view raw, PropertyOwner owner) {
  Properties found;
  found.raw = raw;
  Reader in(raw);
  decode_into(found, in, owner);
  if (in.failed()) return std::unexpected(in.violation());
  return found;
}

void each_user_property(std::string_view raw, const std::function<void(std::string_view, std::string_view)>& found) {
  Reader in(raw);
  while (!in.empty()) {
    const auto id = static_cast<uint8_t>(in.varint());
    const Value value = read_value(in, rule_of(id).form);
    if (in.failed()) return;
    if (static_cast<PropertyId>(id) == PropertyId::kUserProperty) found(value.text, value.second);
  }
}

void append_forwarded_properties(std::string& out, std::string_view raw) {
  Reader in(raw);
  while (!in.empty()) {
    const size_t begin = raw.size() - in.size();
    const auto id = static_cast<uint8_t>(in.varint());
    read_value(in, rule_of(id).form);
    if (in.failed()) return;
    switch (static_cast<PropertyId>(id)) {
      case PropertyId::kTopicAlias:
      case PropertyId::kMessageExpiryInterval:
      case PropertyId::kSubscriptionIdentifier:
      case PropertyId::kWillDelayInterval: break;
      default: out.append(raw.substr(begin, raw.size() - in.size() - begin));
    }
  }
}

void PropertyWriter::u8(PropertyId id, uint8_t value) {
  put_u8(bytes_, static_cast<uint8_t>(id));
  put_u8(bytes_, value);
}

void PropertyWriter::u16(PropertyId id, uint16_t value) {
  put_u8(bytes_, static_cast<uint8_t>(id));
  put_u16(bytes_, value);
}

void PropertyWriter::u32(PropertyId id, uint32_t value) {
  put_u8(bytes_, static_cast<uint8_t>(id));
  put_u32(bytes_, value);
}

void PropertyWriter::varint(PropertyId id, uint32_t value) {
  put_u8(bytes_, static_cast<uint8_t>(id));
  put_varint(bytes_, value);
}

void PropertyWriter::string(PropertyId id, std::string_view value) {
  put_u8(bytes_, static_cast<uint8_t>(id));
  put_string(bytes_, value);
}

void PropertyWriter::user(std::string_view name, std::string_view value) {
  put_u8(bytes_, static_cast<uint8_t>(PropertyId::kUserProperty));
  put_string(bytes_, name);
  put_string(bytes_, value);
}

void PropertyWriter::append_to(std::string& out) const {
  put_varint(out, static_cast<uint32_t>(bytes_.size()));
  out.append(bytes_);
}

}  // namespace campanile::mqtt
