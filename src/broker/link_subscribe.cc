// SUBSCRIBE and UNSUBSCRIBE [sections 3.8 to 3.11].
#include <algorithm>

#include "broker/link.h"
#include "broker/mount.h"
#include "mqtt/topic.h"

namespace campanile::broker {

using mqtt::ReasonCode;

namespace {

// The answer to a request of many filters that is larger than the client takes must not be sent [MQTT-3.1.2-24], and a client that
// waits for it would wait for ever: it is told, before anything is done.
constexpr mqtt::Violation kAnswerTooLarge{ReasonCode::kPacketTooLarge, "the answer would be larger than the client's maximum packet size"};
// Fixed header, packet identifier and property length.
constexpr size_t kAroundReasons = 8;

}  // namespace

void Link::violate(const mqtt::Violation& violation) {
  protocol_.disconnect(out(), violation.reason, violation.what);
  on_violation(violation);
}

void Link::on_subscribe(const mqtt::SubscribePacket& packet) {
  if (profile_.mount.empty()) return subscribe_all(packet);
  const size_t levels_max = loop_.shared().options.protocol.limits.topic_levels_max;
  std::vector<std::string> filters;
  for (const mqtt::SubscribeEntry& entry : packet.entries) filters.push_back(mount_filter(profile_.mount, entry.filter, levels_max));
  mqtt::SubscribePacket mounted = packet;
  for (size_t i = 0; i < filters.size(); ++i) mounted.entries[i].filter = filters[i];
  subscribe_all(mounted);
}

void Link::subscribe_all(const mqtt::SubscribePacket& packet) {
  for (const mqtt::SubscribeEntry& entry : packet.entries) {
    if (entry.no_local && mqtt::is_shared(entry.filter)) {  // [MQTT-3.8.3-4]
      return violate({ReasonCode::kProtocolError, "no-local on a shared subscription"});
    }
  }
  if (!protocol_.fits(packet.entries.size() + kAroundReasons)) return violate(kAnswerTooLarge);
  std::vector<ReasonCode> reasons;  // one each, in order [MQTT-3.8.4-6]
  std::vector<std::pair<std::string, uint8_t>> with_retained;  // filter, QoS
  journal::Lsn lsn = 0;
  for (const mqtt::SubscribeEntry& entry : packet.entries) {
    bool wants_retained = false;
    reasons.push_back(subscribe(entry, packet.subscription_identifier, wants_retained, lsn));
    if (wants_retained) with_retained.emplace_back(entry.filter, entry.qos);
  }
  when_durable(lsn, [this, reasons = std::move(reasons), with_retained = std::move(with_retained), packet_id = packet.packet_id,
                     identifier = packet.subscription_identifier] {
    mqtt::encode_suback(out(), protocol_.version(), packet_id, reasons);
    send_out();
    for (const auto& [filter, qos] : with_retained) {
      DeliveryTerms terms{.qos = qos};
      if (identifier != 0) terms.subscription_ids.push_back(identifier);
      loop_.wake(session_->deliver_retained(filter, std::move(terms), loop_.shared().clock.now_ns(), loop_.traffic()), session_);
    }
  });
}

// A durable session's subscriptions are not confirmed before they would survive.
void Link::when_durable(journal::Lsn lsn, std::move_only_function<void()> action) {
  if (lsn <= loop_.shared().sessions.durable()) return action();
  send_out();  // the scratch is the loop's, and what is done on this commit may be another link's turn
  loop_.commits().when_durable(lsn, [self = shared_from_this(), action = std::move(action)](const Result<void>& stored) mutable {
    if (self->ended_) return;
    if (stored) {
      action();
    } else {
      self->storage_failed(stored.error());
    }
    self->send_out();
    self->end_if_closed();
    self->loop_.end_batch();
  });
}

ReasonCode Link::subscribe(const mqtt::SubscribeEntry& entry, uint32_t identifier, bool& wants_retained, journal::Lsn& lsn) {
  using Added = Session::FilterAdded::What;
  SharedState& shared = loop_.shared();
  std::string_view filter = entry.filter;
  const bool is_shared = mqtt::is_shared(filter);
  if (is_shared) {
    const auto parts = mqtt::parse_shared(filter);
    if (!parts) return ReasonCode::kTopicFilterInvalid;
    filter = parts->filter;
  }
  if (!mqtt::is_valid_filter(filter, shared.options.protocol.limits.topic_levels_max)) return ReasonCode::kTopicFilterInvalid;
  const SubscriptionOptions options{.qos = entry.qos, .no_local = entry.no_local || (bridge_ && !is_shared),
                                    .retain_as_published = entry.retain_as_published || bridge_, .identifier = identifier};
  const auto added = session_->add_filter(entry.filter, options);
  lsn = std::max(lsn, added.lsn);
  switch (added.what) {
    case Added::kNew:
      if (shared.tree.size() >= shared.options.subscriptions_max) {
        lsn = std::max(lsn, session_->remove_filter(entry.filter).lsn);
        return ReasonCode::kQuotaExceeded;
      }
      break;
    case Added::kKnown: break;
    case Added::kOverLimit: return ReasonCode::kQuotaExceeded;
    case Added::kEnded: return ReasonCode::kUnspecifiedError;
    case Added::kNotRecorded: return ReasonCode::kImplementationSpecificError;
  }
  const bool is_new = shared.tree.add(entry.filter, {.session = session_, .qos = options.qos, .no_local = options.no_local,
                                                     .retain_as_published = options.retain_as_published, .identifier = identifier});
  // The session may have been ended by another connection since, which took out what it knew of then.
  if (session_->ended()) shared.tree.remove(entry.filter, *session_);
  // [MQTT-3.3.1-9, 3.3.1-10, 3.3.1-11]; a shared subscription gets none [section 4.8.2].
  wants_retained = !is_shared && (entry.retain_handling == 0 || (entry.retain_handling == 1 && is_new));
  return static_cast<ReasonCode>(entry.qos);
}

void Link::on_unsubscribe(const mqtt::UnsubscribePacket& packet) {
  if (!protocol_.fits(packet.filters.size() + kAroundReasons)) return violate(kAnswerTooLarge);
  std::vector<ReasonCode> reasons;
  journal::Lsn lsn = 0;
  const size_t levels_max = loop_.shared().options.protocol.limits.topic_levels_max;
  for (const std::string_view given : packet.filters) {
    const std::string filter = profile_.mount.empty() ? std::string(given) : mount_filter(profile_.mount, given, levels_max);
    const auto removed = session_->remove_filter(filter);
    lsn = std::max(lsn, removed.lsn);
    if (removed.known) loop_.shared().tree.remove(filter, *session_);
    reasons.push_back(removed.known ? ReasonCode::kSuccess : ReasonCode::kNoSubscriptionExisted);
  }
  when_durable(lsn, [this, reasons = std::move(reasons), packet_id = packet.packet_id] {
    mqtt::encode_unsuback(out(), protocol_.version(), packet_id, reasons);  // [MQTT-3.10.4-4]
  });
}

}  // namespace campanile::broker
