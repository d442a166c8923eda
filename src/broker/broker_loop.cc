#include "broker/broker_loop.h"

#include <algorithm>
#include <optional>
#include <span>

#include "base/log.h"
#include "broker/link.h"
#include "broker/session_record.h"

namespace campanile::broker {
namespace {

constexpr std::chrono::milliseconds kTick{1'000};

// The receiver's queue has the message, and the journal that it has.
bool keeps(const MatchTarget& target, const Publication& publication) {
  return publication.qos > 0 && target.terms.qos > 0 && target.session->durable();
}

}  // namespace

BrokerLoop::BrokerLoop(SharedState& shared, net::EventLoop& event_loop, journal::Journal& journal, uint16_t index)
    : shared_(shared),
      event_loop_(event_loop),
      index_(index),
      commits_(journal, [&event_loop](journal::CommitQueue::Task task) { event_loop.post(std::move(task)); }),
      cache_(shared.tree, shared.options.match_cache_topics, shared.options.match_cache_targets),
      wheel_(shared.clock.steady_ns()) {}

void BrokerLoop::start() {
  wakes_.resize(shared_.loops.size());
  event_loop_.post([this] { event_loop_.run_after(kTick, [this] { tick(); }); });
}

int64_t BrokerLoop::own_time(int64_t now_ns) {
  const auto loops = static_cast<int64_t>(shared_.loops.size());
  int64_t time_ns = now_ns - now_ns % loops + index_;
  // A clock that was set back is followed; only what comes faster than the nanoseconds go runs ahead of it.
  if (time_ns <= last_time_ns_ && last_time_ns_ - time_ns < kNanosPerSecond) time_ns = last_time_ns_ + loops;
  last_time_ns_ = time_ns;
  return time_ns;
}

Result<BrokerLoop::Delivered> BrokerLoop::fan_out(Publication& publication, int64_t now_ns) {
  if (shared_.watch.active()) shared_.watch.note(publication, now_ns);
  const std::shared_ptr<const MatchResult> result = cache_.find(publication.topic);
  if (!publication.stays || batch_.full()) hand_out();
  if (publication.stays && result->size() > 0) batch_.begin(publication, result);
  return fan_out(*result, publication, now_ns);
}

// Not while the program stops: members that leave one after the other would hand everything round.
void BrokerLoop::share_again(const std::vector<Session::Unfinished>& unfinished) {
  hand_out();
  const int64_t now_ns = shared_.clock.now_ns();
  for (const Session::Unfinished& one : unfinished) {
    const MatchResult result = shared_.tree.members(one.filter);
    Publication publication = Publication::of(one.message);
    const bool lost = result.groups.empty() || shared_.stopping.load(std::memory_order_relaxed) || !fan_out(result, publication, now_ns);
    if (lost) traffic_.drop(DropReason::kSessionEnded);
  }
}

Result<BrokerLoop::Delivered> BrokerLoop::fan_out(const MatchResult& result, Publication& publication, int64_t now_ns) {
  for (const auto& group : result.groups) chosen_.push_back(&choose_member(group));
  Delivered delivered{.wanted = !result.targets.empty() || !result.groups.empty()};
  const bool recorded = publication.unstored || (publication.qos > 0 && result.any_durable);
  const auto has_record = [&](const MatchTarget& target) { return recorded && keeps(target, publication); };
  if (recorded) [[unlikely]] {
    shared_.sessions.begin_fan_out(index_);
    const auto appended = record(result, publication);
    if (!appended) {
      shared_.sessions.end_fan_out(index_);
      chosen_.clear();
      return std::unexpected(appended.error());
    }
    delivered.lsn = *appended;
  }
  for (const MatchTarget& target : result.targets) {
    if (target.no_local && target.session.get() == publication.publisher) continue;  // [MQTT-3.8.3-3]
    if (has_record(target)) continue;
    deliver(target, publication, now_ns);
  }
  for (const MatchTarget* target : chosen_) {
    if (has_record(*target)) continue;
    deliver(*target, publication, now_ns);
  }
  chosen_.clear();
  if (!recorded) return delivered;
  for (size_t i = 0; i < receivers_.size(); ++i) {
    const int loop = receivers_[i]->recorded(recorded_[i].sequence, now_ns, traffic_);
    wake(loop, std::move(receivers_[i]));
  }
  shared_.sessions.end_fan_out(index_);
  return delivered;
}

void BrokerLoop::deliver(const MatchTarget& target, Publication& publication, int64_t now_ns) {
  if (publication.stays) {
    batch_.add(target);
  } else {
    wake(target.session->deliver(publication, target.terms, now_ns, traffic_), target.session);
  }
}

void BrokerLoop::hand_out() {
  if (batch_.empty()) return;
  const int64_t now_ns = shared_.clock.now_ns();
  batch_.hand_out([&](const std::shared_ptr<Session>& session, std::span<const Delivery> deliveries) {
    wake(session->deliver(deliveries, now_ns, traffic_), session);
  });
}

Result<journal::Lsn> BrokerLoop::record(const MatchResult& result, Publication& publication) {
  receivers_.clear();
  recorded_.clear();
  for (const MatchTarget& target : result.targets) {
    if (target.no_local && target.session.get() == publication.publisher) continue;
    reserve(target, publication);
  }
  for (const MatchTarget* target : chosen_) reserve(*target, publication);

  if (receivers_.empty() && !publication.unstored) return journal::Lsn{0};
  const bool received = publication.received_id != 0;
  const std::string head = encode_message_head(received ? publication.publisher->number() : 0, received ? publication.received_id : 0, recorded_,
                                               publication);
  const std::string_view payload = receivers_.empty() ? std::string_view() : publication.payload;
  const journal::NewRecord record{.type = journal::RecordType::kSession, .head = head, .tail = payload};
  const bool says_anything = received || !receivers_.empty();
  auto lsn = publication.unstored ? store_received(publication, {&record, says_anything ? 1u : 0u}) : shared_.sessions.append(head, payload);
  if (lsn) return lsn;
  for (size_t i = 0; i < receivers_.size(); ++i) receivers_[i]->withdraw(recorded_[i].sequence);
  receivers_.clear();
  return lsn;
}

// The sink's records and the sessions' are one unit: with the former alone the publisher's repetition would be stored again, and a will
// published again at the next start.
Result<journal::Lsn> BrokerLoop::store_received(Publication& publication, std::span<const journal::NewRecord> records) {
  std::optional<journal::Lsn> appended;
  const journal::AppendFunction append = [&](std::span<const journal::NewRecord> of_sink) -> Result<journal::Lsn> {
    std::vector<journal::NewRecord> unit(of_sink.begin(), of_sink.end());
    unit.insert(unit.end(), records.begin(), records.end());
    appended = TRY(publication.will != 0 ? append_will(publication, unit) : publication.publisher->receive_recorded(publication.received_id, unit));
    return *appended;
  };
  ReceivedMessage message = *publication.unstored;
  message.append = &append;
  const auto stored = shared_.offer(message);
  if (appended) return *appended;
  if (!stored) return std::unexpected(stored.error());
  return append({});
}

Result<journal::Lsn> BrokerLoop::append_will(Publication& publication, std::vector<journal::NewRecord>& unit) {
  const journal::AppendFunction append = [&](std::span<const journal::NewRecord> of_retained) {
    unit.insert(unit.end(), of_retained.begin(), of_retained.end());
    return shared_.sessions.wills().append(unit, {.gone = publication.will});
  };
  if (!publication.retain) return append({});
  const auto lsn = shared_.retained.set(publication, append);
  if (lsn || lsn.error().code != ErrorCode::kTooLarge) return lsn;
  traffic_.drop(DropReason::kRetainedLimit);
  return append({});
}

void BrokerLoop::reserve(const MatchTarget& target, Publication& publication) {
  if (!keeps(target, publication)) return;
  const uint64_t sequence = target.session->reserve(publication, target.terms, traffic_);
  if (sequence == 0) return;
  receivers_.push_back(target.session);
  recorded_.push_back({.session = target.session->number(), .sequence = sequence, .qos = std::min(publication.qos, target.terms.qos),
                       .retain = target.terms.retain_as_published && publication.retain, .subscription_ids = target.terms.subscription_ids});
}

// One member in turn, the next one that is connected where there is one [section 4.8.2].
const MatchTarget& BrokerLoop::choose_member(const std::vector<MatchTarget>& group) {
  const size_t first = next_member(group.size());
  for (size_t i = 0; i < group.size(); ++i) {
    const MatchTarget& member = group[(first + i) % group.size()];
    if (member.session->connected()) return member;
  }
  return group[first];
}

void BrokerLoop::wake(int loop, std::shared_ptr<Session> session) {
  if (loop >= 0) wakes_[static_cast<size_t>(loop)].push_back(std::move(session));
}

void BrokerLoop::end_batch() {
  hand_out();
  for (size_t i = 0; i < wakes_.size(); ++i) {
    if (!wakes_[i].empty()) shared_.loops[i]->receive_wakes(std::exchange(wakes_[i], {}));
  }
  shared_.counters.add(traffic_);
}

// Posted for this loop too: what the other connections that are ready now publish goes out in the same write.
void BrokerLoop::receive_wakes(std::vector<std::shared_ptr<Session>> sessions) {
  {
    std::lock_guard lock(mailbox_mutex_);
    const bool posted = !mailbox_.empty();
    if (mailbox_.empty()) {
      mailbox_ = std::move(sessions);
    } else {
      mailbox_.insert(mailbox_.end(), std::make_move_iterator(sessions.begin()), std::make_move_iterator(sessions.end()));
    }
    if (posted) return;
  }
  event_loop_.post([this] { drain_mailbox(); });
}

void BrokerLoop::drain_mailbox() {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    std::lock_guard lock(mailbox_mutex_);
    sessions.swap(mailbox_);
  }
  for (std::shared_ptr<Session>& session : sessions) {
    flush(session);
  }
  end_batch();
}

void BrokerLoop::flush(const std::shared_ptr<Session>& session) {
  Session::Output output = session->take_output(index_);
  if (output.stalled) stalled_.push_back(session);
  if (!output.link) {
    wake(output.elsewhere, session);
  } else if (output.wait_for > 0) {
    flush_when_durable(session, output.wait_for);
  } else if (!output.bytes.empty()) {
    output.link->send_output(std::move(output.bytes), output.more);
  }
}

// While the journal cannot write, the outbox stays where it is.
void BrokerLoop::flush_when_durable(std::shared_ptr<Session> session, journal::Lsn lsn) {
  commits_.when_durable(lsn, [this, session = std::move(session), lsn](const Result<void>& stored) mutable {
    if (!stored) return flush_when_durable(std::move(session), lsn);
    flush(session);
    end_batch();
  });
}

void BrokerLoop::publish_will(uint64_t number) {
  if (!try_publish_will(number)) wills_.push_back(number);
}

bool BrokerLoop::try_publish_will(uint64_t number) {
  const std::shared_ptr<const Will> will = shared_.sessions.wills().find(number);
  if (!will) return true;
  const int64_t now_ns = shared_.clock.now_ns();
  Publication publication = Publication::of(will->message);
  publication.kept = nullptr;  // it is published now, and not when it was left
  publication.published_ns = now_ns;
  if (will->expiry_s > 0) publication.expires_ns = now_ns + will->expiry_s * kNanosPerSecond;
  const std::shared_ptr<Session> publisher = shared_.registry.find(will->client_id);  // it may be back, and want nothing of its own
  publication.publisher = publisher.get();
  const ReceivedMessage message{.topic = publication.topic, .payload = publication.payload, .qos = publication.qos, .retain = publication.retain,
                                .client_id = will->client_id, .user = will->user, .received_ns = own_time(now_ns)};
  publication.unstored = &message;
  publication.will = number;
  const auto delivered = fan_out(publication, now_ns);
  if (delivered) return true;
  const ErrorCode code = delivered.error().code;
  if (code == ErrorCode::kOverloaded || code == ErrorCode::kIoError) return false;
  log::warning("the will of '{:.200}' is lost: {}", will->client_id, delivered.error().message);
  traffic_.drop(DropReason::kStoreFailed);
  shared_.sessions.wills().forget(number);
  return true;
}

void BrokerLoop::tick() {
  event_loop_.run_after(kTick, [this] { tick(); });
  const int64_t now_ns = shared_.clock.steady_ns();
  for (Link* link : wheel_.advance(now_ns)) link->on_deadline(now_ns);
  cache_.drop_aged();
  std::erase_if(wills_, [&](uint64_t number) { return try_publish_will(number); });
  for (const auto& session : std::exchange(stalled_, {})) {
    session->pump(shared_.clock.now_ns(), traffic_);
    flush(session);
  }
  if (index_ == 0) check_away(now_ns);
  if (index_ == 0) shared_.watch.tick(now_ns);
  if (index_ == 0 && shared_.system) shared_.system->tick(*this, now_ns);
  end_batch();
}

void BrokerLoop::check_away(int64_t now_ns) {
  for (AwayList::Entry& entry : shared_.away.take_due(now_ns)) {
    const std::shared_ptr<Session> session = entry.session.lock();
    if (!session) continue;
    if (entry.due == AwayList::Due::kWill) {
      if (const uint64_t will = session->take_will(entry.epoch); will != 0) publish_will(will);
      continue;
    }
    Session::Ended ended = session->end_if_away(entry.epoch, traffic_);
    if (!ended.by_this_call) continue;
    shared_.counters.sessions_expired.add();
    shared_.finish(*session, std::move(ended));
  }
}

}  // namespace campanile::broker
