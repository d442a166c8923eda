#include "broker/broker_loop.h"

#include "base/log.h"
#include "broker/link.h"

namespace campanile::broker {
namespace {

constexpr std::chrono::milliseconds kTick{1'000};

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

bool BrokerLoop::fan_out(Publication& publication, int64_t now_ns) {
  if (shared_.watch.active()) shared_.watch.note(publication, now_ns);
  const std::shared_ptr<const MatchResult> result = cache_.find(publication.topic);
  for (const MatchTarget& target : result->targets) {
    if (target.no_local && target.session.get() == publication.publisher) continue;  // [MQTT-3.8.3-3]
    wake(target.session->deliver(publication, target.terms, now_ns, traffic_), target.session);
  }
  for (const auto& group : result->groups) deliver_to_group(group, publication, now_ns);
  return !result->targets.empty() || !result->groups.empty();
}

// One member in turn, the next one that is connected where there is one [section 4.8.2].
void BrokerLoop::deliver_to_group(const std::vector<MatchTarget>& group, Publication& publication, int64_t now_ns) {
  const size_t first = next_member(group.size());
  const MatchTarget* chosen = &group[first];
  for (size_t i = 0; i < group.size(); ++i) {
    const MatchTarget& member = group[(first + i) % group.size()];
    if (!member.session->connected()) continue;
    chosen = &member;
    break;
  }
  wake(chosen->session->deliver(publication, chosen->terms, now_ns, traffic_), chosen->session);
}

void BrokerLoop::wake(int loop, std::shared_ptr<Session> session) {
  if (loop >= 0) wakes_[static_cast<size_t>(loop)].push_back(std::move(session));
}

void BrokerLoop::end_batch() {
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
    Session::Output output = session->take_output(index_);
    if (output.link) {
      if (!output.bytes.empty()) output.link->send_output(std::move(output.bytes), output.more);
    } else {
      wake(output.elsewhere, std::move(session));
    }
  }
  end_batch();
}

void BrokerLoop::publish_will(std::shared_ptr<const Will> will) {
  if (!try_publish_will(*will)) wills_.push_back(std::move(will));
}

bool BrokerLoop::try_publish_will(const Will& will) {
  const int64_t now_ns = shared_.clock.now_ns();
  Publication publication = Publication::of(will.message);
  if (will.expiry_s > 0) {
    publication.kept = nullptr;
    publication.expires_ns = now_ns + will.expiry_s * kNanosPerSecond;
  }
  publication.published_ns = now_ns;
  const std::shared_ptr<Session> publisher = shared_.registry.find(will.client_id);  // it may be back, and want nothing of its own
  publication.publisher = publisher.get();
  if (publication.retain) {
    const auto retained = shared_.retained.set(publication);
    if (!retained && retained.error().code == ErrorCode::kOverloaded) return false;
    if (!retained) traffic_.drop(DropReason::kRetainedLimit);
  }
  const auto accepted = shared_.sink.accept({.topic = publication.topic, .payload = publication.payload, .qos = publication.qos,
                                             .retain = publication.retain, .client_id = will.client_id, .user = will.user,
                                             .received_ns = now_ns});
  if (!accepted && accepted.error().code == ErrorCode::kOverloaded) return false;
  if (!accepted) log::warning("the will of '{}' was not stored: {}", will.client_id, accepted.error().message);
  fan_out(publication, now_ns);
  return true;
}

void BrokerLoop::tick() {
  event_loop_.run_after(kTick, [this] { tick(); });
  const int64_t now_ns = shared_.clock.steady_ns();
  for (Link* link : wheel_.advance(now_ns)) link->on_deadline(now_ns);
  cache_.drop_aged();
  for (auto& will : std::exchange(wills_, {})) publish_will(std::move(will));
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
      if (auto will = session->take_will(entry.epoch)) publish_will(std::move(will));
      continue;
    }
    Session::Ended ended = session->end_if_away(entry.epoch, traffic_);
    if (!ended.by_this_call) continue;
    shared_.counters.sessions_expired.add();
    shared_.finish(*session, std::move(ended));
  }
}

}  // namespace campanile::broker
