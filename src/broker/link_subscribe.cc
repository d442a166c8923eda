// SUBSCRIBE and UNSUBSCRIBE [sections 3.8 to 3.11].
#include "broker/link.h"
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
  for (const mqtt::SubscribeEntry& entry : packet.entries) {
    if (entry.no_local && mqtt::is_shared(entry.filter)) {  // [MQTT-3.8.3-4]
      return violate({ReasonCode::kProtocolError, "no-local on a shared subscription"});
    }
  }
  if (!protocol_.fits(packet.entries.size() + kAroundReasons)) return violate(kAnswerTooLarge);
  std::vector<ReasonCode> reasons;  // one each, in order [MQTT-3.8.4-6]
  std::vector<const mqtt::SubscribeEntry*> with_retained;
  for (const mqtt::SubscribeEntry& entry : packet.entries) {
    bool wants_retained = false;
    reasons.push_back(subscribe(entry, packet.subscription_identifier, wants_retained));
    if (wants_retained) with_retained.push_back(&entry);
  }
  mqtt::encode_suback(out(), protocol_.version(), packet.packet_id, reasons);
  send_out();
  for (const mqtt::SubscribeEntry* entry : with_retained) {
    DeliveryTerms terms{.qos = entry->qos};
    if (packet.subscription_identifier != 0) terms.subscription_ids.push_back(packet.subscription_identifier);
    loop_.wake(session_->deliver_retained(entry->filter, std::move(terms), now_ns_, loop_.traffic()), session_);
  }
}

ReasonCode Link::subscribe(const mqtt::SubscribeEntry& entry, uint32_t identifier, bool& wants_retained) {
  SharedState& shared = loop_.shared();
  std::string_view filter = entry.filter;
  const bool is_shared = mqtt::is_shared(filter);
  if (is_shared) {
    const auto parts = mqtt::parse_shared(filter);
    if (!parts) return ReasonCode::kTopicFilterInvalid;
    filter = parts->filter;
  }
  if (!mqtt::is_valid_filter(filter, shared.options.protocol.limits.topic_levels_max)) return ReasonCode::kTopicFilterInvalid;
  switch (session_->add_filter(entry.filter)) {
    case Session::FilterAdded::kYes:
      if (shared.tree.size() >= shared.options.subscriptions_max) {
        session_->remove_filter(entry.filter);
        return ReasonCode::kQuotaExceeded;
      }
      break;
    case Session::FilterAdded::kKnown: break;
    case Session::FilterAdded::kOverLimit: return ReasonCode::kQuotaExceeded;
    case Session::FilterAdded::kEnded: return ReasonCode::kUnspecifiedError;
  }
  const bool is_new = shared.tree.add(entry.filter, {.session = session_, .qos = entry.qos, .no_local = entry.no_local || (bridge_ && !is_shared),
                                                     .retain_as_published = entry.retain_as_published || bridge_, .identifier = identifier});
  // The session may have been ended by another connection since, which took out what it knew of then.
  if (session_->ended()) shared.tree.remove(entry.filter, *session_);
  // [MQTT-3.3.1-9, 3.3.1-10, 3.3.1-11]; a shared subscription gets none [section 4.8.2].
  wants_retained = !is_shared && (entry.retain_handling == 0 || (entry.retain_handling == 1 && is_new));
  return static_cast<ReasonCode>(entry.qos);
}

void Link::on_unsubscribe(const mqtt::UnsubscribePacket& packet) {
  if (!protocol_.fits(packet.filters.size() + kAroundReasons)) return violate(kAnswerTooLarge);
  std::vector<ReasonCode> reasons;
  for (const std::string_view filter : packet.filters) {
    const bool known = session_->remove_filter(filter);
    if (known) loop_.shared().tree.remove(filter, *session_);
    reasons.push_back(known ? ReasonCode::kSuccess : ReasonCode::kNoSubscriptionExisted);
  }
  mqtt::encode_unsuback(out(), protocol_.version(), packet.packet_id, reasons);  // [MQTT-3.10.4-4]
}

}  // namespace campanile::broker
