// CONNECT: who is it, may it, which session, and what was agreed [section 3.1.4].
#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "broker/bridge_marks.h"
#include "broker/bridge_options.h"
#include "broker/link.h"
#include "broker/mount.h"
#include "net/certified_peer.h"
#include "net/local_pair.h"

namespace campanile::broker {
namespace {

using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

constexpr size_t kResponseClientBytesMax = 1024;

std::string make_client_id() {
  std::string id = "campanile-";
  for (const char byte : random_bytes(10)) id += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return id;
}

}  // namespace

void Link::refuse(ReasonCode reason, std::string_view why) {
  loop_.shared().counters.connections_refused.add();
  protocol_.refuse(out(), reason, why);
}

void Link::on_connect(const mqtt::ConnectPacket& packet) {
  SharedState& shared = loop_.shared();
  const bool v5 = packet.version == ProtocolVersion::kV5;
  if (shared.stopping.load(std::memory_order_relaxed)) return refuse(ReasonCode::kServerShuttingDown, "the server is stopping");
  const bool assigned = packet.client_id.empty();
  if (assigned && !v5 && !packet.clean_start) {  // [MQTT-3.1.3-8 of 3.1.1]
    return refuse(ReasonCode::kClientIdentifierNotValid, "a session that is kept needs a client identifier");
  }
  const std::string own_id = assigned ? make_client_id() : std::string(packet.client_id);  // [MQTT-3.1.3-6]
  const auto mounted_id = mounted_client_id(own_id);
  if (!mounted_id) return refuse(ReasonCode::kClientIdentifierNotValid, "the client identifier is taken by a listener's mount");
  const std::string& client_id = *mounted_id;
  if (!(is_bridge_client_id(client_id) ? log_in_bridge(client_id) : log_in(packet, client_id))) return;
  if (packet.will && is_brokers_own(packet.will->topic, packet.will->payload, client_id)) return refuse(ReasonCode::kNotAuthorized, "the will's topic is the server's own");
  const std::shared_ptr<Will> will = packet.will ? make_will(packet, client_id) : nullptr;
  if (packet.will && !will) return;

  LinkTerms terms{.loop = loop_.index(), .version = packet.version, .expiry_s = session_expiry(packet), .queue = profile_.queue};
  if (!profile_.mount.empty()) terms.mount = &profile_.mount;
  if (v5) {
    terms.receive_maximum = packet.properties.receive_maximum;
    terms.topic_alias_maximum = std::min(packet.properties.topic_alias_maximum, shared.options.topic_aliases_to_client_max);  // [MQTT-3.1.2-26]
    if (packet.properties.has(mqtt::PropertyId::kMaximumPacketSize)) terms.packet_bytes_max = packet.properties.maximum_packet_size;
  }
  uint16_t keep_alive_s = packet.keep_alive_s;
  const uint16_t keep_alive_max_s = profile_.keep_alive_max_s;
  const bool shortened = keep_alive_max_s > 0 && (keep_alive_s == 0 || keep_alive_s > keep_alive_max_s);
  if (shortened && v5) keep_alive_s = keep_alive_max_s;  // version 3 cannot be told, and keeps what it asked for

  mqtt::PropertyWriter properties = terms_told(packet, terms, own_id);
  if (shortened) properties.u16(mqtt::PropertyId::kServerKeepAlive, keep_alive_s);
  if (!protocol_.connack_fits(properties)) return refuse(ReasonCode::kPacketTooLarge, "the maximum packet size leaves no room for CONNACK");

  auto opened = shared.registry.open(client_id, packet.clean_start, shared_from_this(), terms, will, loop_.input_ns(), loop_.traffic());
  for (const uint64_t due : opened.wills) loop_.publish_will(due);  // before anything that the client says now
  if (opened.error) {
    complain(client_id, "is refused", *opened.error);
    return refuse(ReasonCode::kServerUnavailable, "the session cannot be stored at present");
  }
  if (!opened.session) return refuse(v5 ? ReasonCode::kQuotaExceeded : ReasonCode::kServerUnavailable, "as many sessions as allowed exist");
  session_ = std::move(opened.session);
  shared.note_client();
  bridge_ = packet.bridge;
  if (opened.former) {
    BrokerLoop& its_loop = opened.former->loop();
    its_loop.event_loop().post([former = std::move(opened.former)] { former->taken_over(); });
  }

  keep_alive_s_ = keep_alive_s;
  protocol_.accept(out(), opened.present, keep_alive_s, properties);
  shared.counters.connections_opened.add();
  // Before anything from the session's outbox [MQTT-3.2.0-1].
  if (opened.lsn > shared.sessions.durable()) {
    hold_output(opened.lsn);
  } else {
    send_out();
  }
  session_written_ = true;

  loop_.wheel().remove(this);
  protocol_.excuse_silence(shared.clock.steady_ns());
  look_again(shared.clock.steady_ns());
}

// What is not said here has the standard's default: QoS 2, retained messages, wildcards, subscription identifiers and shared
// subscriptions are all available.
mqtt::PropertyWriter Link::terms_told(const mqtt::ConnectPacket& packet, const LinkTerms& terms, std::string_view client_id) const {
  mqtt::PropertyWriter properties;
  if (packet.version != ProtocolVersion::kV5) return properties;
  const BrokerOptions& options = loop_.shared().options;
  const mqtt::Limits& limits = profile_.protocol_settings.limits;
  properties.u16(mqtt::PropertyId::kReceiveMaximum, limits.receive_maximum);
  properties.u32(mqtt::PropertyId::kMaximumPacketSize, limits.packet_bytes_max);
  if (limits.topic_alias_maximum > 0) properties.u16(mqtt::PropertyId::kTopicAliasMaximum, limits.topic_alias_maximum);
  if (packet.client_id.empty()) properties.string(mqtt::PropertyId::kAssignedClientIdentifier, client_id);  // [MQTT-3.1.3-7, 3.2.2-16]
  if (terms.expiry_s != packet.properties.session_expiry_s) properties.u32(mqtt::PropertyId::kSessionExpiryInterval, terms.expiry_s);
  // [MQTT-3.1.2-28]. A client whose identifier cannot stand in a topic gets none and chooses its response topics itself.
  const bool usable = client_id.find_first_of("+#") == std::string_view::npos && client_id.size() <= kResponseClientBytesMax;
  if (packet.properties.request_response_information && !options.response_topics.empty() && usable) {
    properties.string(mqtt::PropertyId::kResponseInformation, fmt::format("{}{}/", options.response_topics, client_id));
  }
  if (packet.properties.raw.find(kBridgeProperty) != std::string_view::npos) properties.user(kBrokerProperty, loop_.shared().id);
  return properties;
}

// A bridge of this broker comes from inside and is who it says; nobody else may be it, since what waits for the other broker is in that
// session.
bool Link::log_in_bridge(const std::string& client_id) {
  if (connection_->peer().host == net::kInProcess) {
    user_ = client_id;
    return true;
  }
  refuse(ReasonCode::kClientIdentifierNotValid, "client identifiers below bridge/ are those of this broker's own bridges");
  return false;
}

std::optional<std::string> Link::mounted_client_id(std::string_view client_id) const {
  std::string mounted = mount_topic(profile_.mount, client_id);
  if (mounted.size() > UINT16_MAX) return std::nullopt;
  for (const ListenerProfile& other : loop_.shared().profiles) {
    if (other.mount.size() > profile_.mount.size() && mounted.starts_with(other.mount)) return std::nullopt;
  }
  return mounted;
}

bool Link::log_in(const mqtt::ConnectPacket& packet, const std::string& client_id) {
  const std::string peer = connection_->peer().to_string();
  const auto denied = [&](ReasonCode reason, std::string_view why) {
    log::debug("CONNECT of '{:.200}' from {} at {} refused: {}", client_id, peer, profile_.name, why);
    refuse(reason, why);
    return false;
  };
  if (profile_.certificates) {
    const auto* certified = dynamic_cast<const net::CertifiedPeer*>(connection_.get());
    if (certified) user_ = certified->certificate_name();
    if (!user_.empty()) return true;
  }
  const bool named = profile_.accounts && packet.user && !packet.user->empty();
  if (!named && profile_.anonymous == AnonymousRights::kNone) {
    return denied(ReasonCode::kBadUserNameOrPassword, profile_.accounts ? "a user name and a password are needed" : "a certificate is needed");
  }
  read_only_ = !named && profile_.anonymous == AnonymousRights::kRead;
  if (!named) return true;
  auto user = loop_.shared().authenticator.authenticate({.client_id = client_id, .user = packet.user, .password = packet.password, .peer = peer});
  if (user) {
    user_ = std::move(*user);
    return true;
  }
  log::debug("CONNECT of '{:.200}' from {} at {} refused: {}", client_id, peer, profile_.name, user.error().message);
  switch (user.error().code) {
    case ErrorCode::kUnauthenticated: refuse(ReasonCode::kBadUserNameOrPassword, "user name or password is wrong"); break;
    case ErrorCode::kPermissionDenied: refuse(ReasonCode::kNotAuthorized, "not allowed to connect"); break;
    default: refuse(ReasonCode::kServerUnavailable, "authentication is not possible at present");
  }
  return false;
}

uint32_t Link::session_expiry(const mqtt::ConnectPacket& packet) const {
  const uint32_t wish = packet.version == ProtocolVersion::kV5 ? packet.properties.session_expiry_s : packet.clean_start ? 0 : UINT32_MAX;
  return std::min(wish, loop_.shared().options.session_expiry_max_s);
}

std::shared_ptr<Will> Link::make_will(const mqtt::ConnectPacket& packet, const std::string& client_id) {
  const mqtt::WillView& will = *packet.will;
  if (read_only_) {
    refuse(ReasonCode::kNotAuthorized, "a client without a name may not leave a will here");
    return nullptr;
  }
  const std::string& mount = profile_.mount;
  if (mount.size() + will.topic.size() > UINT16_MAX) {
    refuse(ReasonCode::kTopicNameInvalid, "the will's topic is too long");
    return nullptr;
  }
  Message message{.topic = mount_topic(mount, will.topic), .payload = std::string(will.payload), .qos = will.qos, .retain = will.retain};
  mqtt::append_forwarded_properties(message.properties, will.properties.raw);
  if (!mount.empty() && !message.properties.empty()) message.properties = mount_response_topic(mount, message.properties);
  SharedState& shared = loop_.shared();
  auto made = std::make_shared<Will>(Will{.message = std::make_shared<const Message>(std::move(message)),
                                          .expiry_s = will.properties.message_expiry_s,
                                          .delay_s = will.properties.will_delay_s,
                                          .client_id = client_id,
                                          .user = user_,
                                          .number = shared.sessions.take_number()});
  if (shared.sessions.wills().bytes() + WillList::cost(*made) > shared.options.wills_bytes_max) {
    refuse(packet.version == ProtocolVersion::kV5 ? ReasonCode::kQuotaExceeded : ReasonCode::kServerUnavailable,
           "the wills of all clients take as much memory as allowed");
    return nullptr;
  }
  return made;
}

}  // namespace campanile::broker
