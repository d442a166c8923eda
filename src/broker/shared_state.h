// SharedState: what all loops of one broker share. Internal to broker/.
//
// Threads: the members lock for themselves or are read-only; `loops` and `profiles` are filled before the first connection.
// Lock order: session store's writing -> registry shard | subscription tree | session -> retained store | session store's requests
// -> journal. Shard, tree and session are never held together. The sink appends a message of QoS 2 under locks of its own, then the session's.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/complaint.h"
#include "broker/away_list.h"
#include "broker/input_budget.h"
#include "broker/listener_profile.h"
#include "broker/options.h"
#include "broker/ports.h"
#include "broker/retained_store.h"
#include "broker/session.h"
#include "broker/session_registry.h"
#include "broker/session_store.h"
#include "broker/subscription_tree.h"
#include "broker/system_publisher.h"
#include "broker/topic_watch.h"
#include "broker/traffic.h"

namespace campanile::broker {

class BrokerLoop;

// Twenty characters that no other broker, and no other run of this one, has.
std::string make_broker_id();

struct SharedState {
  SharedState(const BrokerOptions& its_options, RetainedStore& its_retained, SessionStore& its_sessions, MessageSink& its_sink, Authenticator& its_authenticator,
              const Clock& its_clock, Metrics& metrics)
      : options(its_options),
        retained(its_retained),
        sessions(its_sessions),
        sink(its_sink),
        authenticator(its_authenticator),
        clock(its_clock),
        counters(metrics),
        environment{options, retained, sessions},
        input(options.input_memory_bytes_max),
        registry(environment, options.sessions_max, [this](Session& session, Session::Ended ended) { finish(session, std::move(ended)); }) {}

  // The sink's answer to a client's message; nothing to wait for where it is of the broker's own topics and nobody wants it.
  Result<journal::Awaited> offer(const ReceivedMessage& message) {
    if (is_own_topic(message.topic) && !sink.wants(message.topic)) return journal::Awaited{};
    return sink.accept(message);
  }
  // Takes an ended session's subscriptions out of the tree and forgets it; tells its link and publishes its will where there are any.
  void finish(Session& session, Session::Ended ended);
  // One more connection has a session.
  void note_client() {
    const size_t now = ++clients;
    size_t most = clients_max.load(std::memory_order_relaxed);
    while (now > most && !clients_max.compare_exchange_weak(most, now, std::memory_order_relaxed)) {}
  }

  // Takes over what the session store kept. Once, before the loops run. Errors: the store's.
  Result<void> restore();
  // Those of clients whose connection the end of the program ended, and that are due. After restore(), once everything is served.
  void publish_wills_of_last_run();
  // Notes what is due for a session whose client has left: its will, and its end.
  void keep_away(const std::shared_ptr<Session>& session, const Session::Detached& detached, int64_t since_steady_ns);

  const BrokerOptions options;
  const std::string id = make_broker_id();
  RetainedStore& retained;
  SessionStore& sessions;
  MessageSink& sink;
  Authenticator& authenticator;
  const Clock& clock;
  BrokerCounters counters;
  SessionEnvironment environment;
  InputBudget input;
  SubscriptionTree tree;
  AwayList away;
  Complaint not_stored;  // of the disk that takes nothing: every client would have its line
  TopicWatch watch;
  std::deque<ListenerProfile> profiles;  // the first: of handlers whose listener names none
  // These two are shared for their deleters alone: a unique_ptr here would need the whole classes.
  std::vector<std::shared_ptr<BrokerLoop>> loops;
  std::atomic<bool> stopping{false};
  std::atomic<size_t> connections{0};
  std::atomic<size_t> clients{0};      // connections that have a session
  std::atomic<size_t> clients_max{0};  // at the same time, since start
  std::atomic<size_t> local_messages{0};
  SessionRegistry registry;
  std::shared_ptr<SystemPublisher> system;  // null: nothing is published
};

}  // namespace campanile::broker
