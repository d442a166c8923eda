#include "broker/session.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "broker/session_record.h"
#include "broker/session_store.h"
#include "broker/session_waiting.h"
#include "mqtt/topic.h"

namespace campanile::broker {

Session::Session(std::string client_id, SessionEnvironment& environment, bool durable)
    : client_id_(std::move(client_id)), environment_(environment), durable_(durable) {
  if (durable_) number_ = environment_.store.take_number();
}

Session::Session(SessionState state, SessionEnvironment& environment)
    : client_id_(std::move(state.client_id)), environment_(environment), durable_(true) {
  terms_.expiry_s = state.expiry_s;
  terms_.queue = state.queue;
  opened_ = changed_ = in_store_ = true;
  if (state.will) will_ = state.will->number;
  number_ = state.number;
  next_sequence_ = state.next_sequence;
  since_ns_ = state.away_since_ns;
  if (!state.filters.empty()) filters_ = std::make_unique<StringMap<SubscriptionOptions>>();
  for (auto& [filter, options] : state.filters) {
    shared_filters_ += mqtt::is_shared(filter);
    filters_->emplace(filter, options);
  }
  for (const std::string& filter : state.changed_filters) {
    if (!changed_filters_) changed_filters_ = std::make_unique<StringSet>();
    changed_filters_->insert(filter);
  }
  for (const uint16_t id : state.received) receive(id, 0);
  if (state.messages.empty() && state.disk_messages == 0) return;

  Waiting& waits = waiting();
  if (state.disk_messages > 0) {
    waits.spilled = std::make_unique<Waiting::Spilled>();
    waits.spilled->first = state.disk_first;
    waits.spilled->end = state.disk_end;
    waits.spilled->messages = state.disk_messages;
    waits.spilled->bytes = state.disk_bytes;
  }
  waits.messages = state.disk_messages;
  waits.bytes = state.disk_bytes;
  for (auto& [sequence, kept] : state.messages) {
    OutgoingMessage out{.message = std::move(kept.message), .qos = kept.qos, .retain = kept.retain,
                        .row = kept.in_store ? OutgoingMessage::Row::kWritten : OutgoingMessage::Row::kNone,
                        .subscription_ids = std::move(kept.subscription_ids), .sequence = sequence};
    const size_t cost = out.message ? memory_cost(*out.message) : 0;
    if (kept.packet_id != 0) {
      waits.in_flight_bytes += cost;
      const auto stage = kept.peer_received ? InFlight::Stage::kReceived : InFlight::Stage::kSent;
      if (!waits.in_flight.restore(kept.packet_id, std::move(out), stage)) log::error("'{:.80}': packet identifier {} twice", client_id_, kept.packet_id);
    } else {
      ++waits.messages;
      waits.bytes += out.message->bytes();
      waits.memory_bytes += cost;
      waits.newest().push_back(std::move(out));
    }
  }
  environment_.queued_messages += waits.messages;
  environment_.queued_bytes += waits.bytes;
  environment_.memory_bytes += waits.memory_bytes;
  environment_.in_flight_bytes += waits.in_flight_bytes;
}

Session::~Session() {
  if (!waiting_) return;
  environment_.queued_messages -= waiting_->messages;
  environment_.queued_bytes -= waiting_->bytes;
  environment_.memory_bytes -= waiting_->memory_bytes;
  environment_.in_flight_bytes -= waiting_->in_flight_bytes;
}

SessionStatus Session::status() const {
  std::lock_guard lock(mutex_);
  SessionStatus status{.link = link_, .loop = terms_.loop, .version = terms_.version, .expiry_s = terms_.expiry_s, .since_ns = since_ns_,
                       .subscriptions = filter_count(), .messages_out = messages_out_};
  if (waiting_) {
    status.in_flight = waiting_->in_flight.size();
    status.queued_messages = waiting_->messages;
    status.queued_bytes = waiting_->bytes;
    status.disk_messages = waiting_->disk_messages();
  }
  return status;
}

std::vector<std::string> Session::filters() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> result;
  if (!filters_) return result;
  result.reserve(filters_->size());
  for (const auto& [filter, options] : *filters_) result.push_back(filter);
  return result;
}

bool Session::connected() const {
  std::lock_guard lock(mutex_);
  return link_ != nullptr;
}

bool Session::ended() const {
  std::lock_guard lock(mutex_);
  return ended_;
}

std::shared_ptr<Link> Session::link() const {
  std::lock_guard lock(mutex_);
  return link_;
}

Session::Waiting& Session::waiting() {
  if (!waiting_) waiting_ = std::make_unique<Waiting>();
  return *waiting_;
}

// For changes whose loss a restart makes good again: it is no more than logged where the journal refuses.
void Session::record(std::string_view bytes) {
  changed_ = true;
  if (const auto lsn = environment_.store.append(bytes); !lsn) log::debug("'{:.80}': {}", client_id_, lsn.error().message);
}

// What the client left before and what it leaves now change in one unit. A journal without room has some soon; where the disk takes nothing, a
// session that is not kept asks nothing of it.
Result<journal::Lsn> Session::record_attach(const LinkTerms& terms, const std::shared_ptr<Will>& will, uint64_t void_will) {
  WillList& wills = environment_.store.wills();
  if (will) will->session = durable_ ? number_ : 0;
  const std::string opened = durable_ ? encode_opened(number_, terms.expiry_s, terms.queue, client_id_) : std::string();
  const journal::NewRecord record{.type = journal::RecordType::kSession, .head = opened};
  const auto lsn = wills.append({&record, durable_ ? 1u : 0u}, {.gone = void_will, .left = will});
  if (lsn || durable_ || lsn.error().code == ErrorCode::kOverloaded) return lsn;
  log::debug("the will of '{:.80}' is in memory alone: {}", client_id_, lsn.error().message);
  wills.keep(will);
  return journal::Lsn{0};
}

Session::Attached Session::attach(std::shared_ptr<Link> link, const LinkTerms& terms, const std::shared_ptr<Will>& will, int64_t now_ns,
                                  Traffic& traffic) {
  std::lock_guard lock(mutex_);
  if (ended_ || (link_ && terms_.expiry_s == 0) || (terms.expiry_s > 0 && !durable_)) return {};
  Attached result{.done = true};
  if (will_ != 0 && link_ && will_delay_s() == 0) result.will = will_;
  const auto lsn = record_attach(terms, will, result.will == 0 ? will_ : 0);  // [MQTT-3.1.3-9]: back before the delay was over
  if (!lsn) return {.error = lsn.error()};
  if (durable_) {
    // A client that finds its session as it left it is told nothing that a power cut would undo.
    if (!opened_ || terms.expiry_s != terms_.expiry_s) result.lsn = *lsn;
    opened_ = changed_ = true;
  }
  result.former = std::exchange(link_, std::move(link));
  terms_ = terms;
  since_ns_ = now_ns;
  ++epoch_;
  outbox_.clear();  // meant for the former link; what matters of it is in flight
  aliases_.reset();
  outbox_lsn_ = waited_lsn_ = 0;
  flush_pending_ = stalled_ = false;
  send_queue_bytes_ = 0;
  will_ = will ? will->number : 0;
  if (waiting_) {
    waiting_->in_flight.lose_link();
    pump_locked(now_ns, traffic);
  }
  return result;
}

Session::Detached Session::detach(const Link* link, int64_t now_ns) {
  std::lock_guard lock(mutex_);
  if (ended_ || link_.get() != link) return {};
  link_.reset();
  ++epoch_;
  outbox_ = {};
  aliases_.reset();
  const uint32_t delay_s = will_delay_s();
  since_ns_ = now_ns;
  if (durable_ && terms_.expiry_s > 0) record(encode_away(number_, terms_.expiry_s, now_ns));
  return {.was_attached = true, .will = delay_s == 0 ? std::exchange(will_, 0) : 0, .expiry_s = terms_.expiry_s, .will_delay_s = delay_s, .epoch = epoch_};
}

void Session::forget_will(const Link* link) {
  std::lock_guard lock(mutex_);
  if (link_.get() == link && will_ != 0) environment_.store.wills().forget(std::exchange(will_, 0));
}

std::shared_ptr<const Will> Session::will() const {
  std::lock_guard lock(mutex_);
  return environment_.store.wills().find(will_);
}

uint32_t Session::will_delay_s() const {
  const auto will = environment_.store.wills().find(will_);
  return will ? will->delay_s : 0;
}

Session::Detached Session::away() const {
  std::lock_guard lock(mutex_);
  return {.was_attached = true, .expiry_s = terms_.expiry_s, .will_delay_s = will_delay_s(), .epoch = epoch_};
}

bool Session::set_expiry(uint32_t expiry_s) {
  std::lock_guard lock(mutex_);
  if (terms_.expiry_s == 0 && expiry_s != 0) return false;
  terms_.expiry_s = expiry_s;  // in the journal with detach(), which is about to come
  return true;
}

void Session::receive(uint16_t packet_id, journal::Lsn lsn) {
  std::lock_guard lock(mutex_);
  if (!received_) received_ = std::make_unique<absl::flat_hash_map<uint16_t, journal::Lsn>>();
  received_->insert_or_assign(packet_id, lsn);
}

Result<journal::Lsn> Session::receive_recorded(uint16_t packet_id, std::span<const journal::NewRecord> unit) {
  std::lock_guard lock(mutex_);
  const journal::Lsn lsn = TRY(environment_.store.append_together(unit));
  if (ended_) return lsn;
  changed_ = true;
  if (!received_) received_ = std::make_unique<absl::flat_hash_map<uint16_t, journal::Lsn>>();
  received_->insert_or_assign(packet_id, lsn);
  return lsn;
}

std::optional<journal::Lsn> Session::received(uint16_t packet_id) const {
  std::lock_guard lock(mutex_);
  if (!received_) return std::nullopt;
  const auto found = received_->find(packet_id);
  return found == received_->end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<journal::Lsn>> Session::release(uint16_t packet_id) {
  std::lock_guard lock(mutex_);
  if (!received_) return std::nullopt;
  const auto found = received_->find(packet_id);
  if (found == received_->end()) return std::nullopt;
  journal::Lsn lsn = found->second;
  if (durable_) {
    lsn = TRY(environment_.store.append(encode_released(number_, packet_id)));
    changed_ = true;
  }
  received_->erase(found);
  return lsn;
}

Session::FilterAdded Session::add_filter(std::string_view filter, const SubscriptionOptions& options) {
  using What = FilterAdded::What;
  std::lock_guard lock(mutex_);
  if (ended_) return {What::kEnded};
  const bool known = find_filter(filter) != nullptr;
  if (!known && filter_count() >= environment_.options.subscriptions_per_session_max) return {What::kOverLimit};
  FilterAdded result{known ? What::kKnown : What::kNew};
  if (durable_) {
    const auto lsn = environment_.store.append(encode_subscribed(number_, options, filter));
    if (!lsn) return {What::kNotRecorded};
    result.lsn = *lsn;
    changed_ = true;
    if (!changed_filters_) changed_filters_ = std::make_unique<StringSet>();
    changed_filters_->emplace(filter);
  }
  if (result.what == What::kNew && mqtt::is_shared(filter)) ++shared_filters_;
  if (!filters_) filters_ = std::make_unique<StringMap<SubscriptionOptions>>();
  filters_->insert_or_assign(std::string(filter), options);
  return result;
}

Session::FilterRemoved Session::remove_filter(std::string_view filter) {
  std::lock_guard lock(mutex_);
  if (waiting_) std::erase_if(waiting_->walks, [&](const auto& walk) { return walk.filter == filter; });
  FilterRemoved result{.known = filters_ && filters_->erase(filter) > 0};
  if (result.known && mqtt::is_shared(filter)) --shared_filters_;
  if (!result.known || !durable_) return result;
  // Where the journal refuses, the subscription comes back with a restart; UNSUBACK must not say otherwise.
  const auto lsn = environment_.store.append(encode_unsubscribed(number_, filter));
  result.lsn = lsn ? *lsn : environment_.store.end();
  changed_ = true;
  if (!changed_filters_) changed_filters_ = std::make_unique<StringSet>();
  changed_filters_->emplace(filter);
  return result;
}

StringMap<SubscriptionOptions> Session::subscriptions() const {
  std::lock_guard lock(mutex_);
  return filters_ ? *filters_ : StringMap<SubscriptionOptions>();
}

const SubscriptionOptions* Session::find_filter(std::string_view filter) const {
  if (!filters_) return nullptr;
  const auto found = filters_->find(filter);
  return found == filters_->end() ? nullptr : &found->second;
}

Session::Ended Session::end_locked(Traffic& traffic) {
  Ended result{.by_this_call = true, .link = std::move(link_), .will = std::exchange(will_, 0)};
  if (durable_ && opened_) {
    const auto lsn = environment_.store.append(encode_ended(number_));
    if (lsn) result.lsn = *lsn;
    if (!lsn) log::warning("the end of the session of '{:.80}' was not recorded: {}", client_id_, lsn.error().message);
  }
  if (in_store_) environment_.store.forget(number_);
  ended_ = true;
  ++epoch_;
  link_.reset();
  outbox_ = {};
  aliases_.reset();
  if (shares() && waiting_) result.unfinished = unfinished();
  if (filters_) {
    for (auto& [filter, options] : *filters_) result.filters.push_back(filter);
    filters_.reset();
  }
  changed_filters_.reset();
  received_.reset();
  if (waiting_) {
    const size_t lost = waiting_->in_flight.size() + waiting_->messages - result.unfinished.size();
    if (lost > 0) traffic.drop(DropReason::kSessionEnded, lost);
    traffic.in_flight -= static_cast<int64_t>(waiting_->in_flight.size());
    environment_.queued_messages -= waiting_->messages;
    environment_.queued_bytes -= waiting_->bytes;
    environment_.memory_bytes -= waiting_->memory_bytes;
    environment_.in_flight_bytes -= waiting_->in_flight_bytes;
    waiting_.reset();
  }
  return result;
}

Session::Ended Session::end(Traffic& traffic) {
  std::lock_guard lock(mutex_);
  return ended_ ? Ended{} : end_locked(traffic);
}

Session::Ended Session::end_if_away(uint32_t epoch, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  return ended_ || link_ || epoch_ != epoch ? Ended{} : end_locked(traffic);
}

uint64_t Session::take_will(uint32_t epoch) {
  std::lock_guard lock(mutex_);
  return epoch_ == epoch ? std::exchange(will_, 0) : 0;
}

}  // namespace campanile::broker
