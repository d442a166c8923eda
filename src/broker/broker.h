// Broker: MQTT sessions, subscriptions and retained messages, over any number of event loops.
//
//   auto retained = TRY(RetainedStore::load(store, options));     // before the journal is opened: it takes part in the replay
//   auto sessions = TRY(SessionStore::load(store));               // the same
//   auto broker = TRY(Broker::create(options, {.loops = {&pool.at(0), &pool.at(1)}, .journal = *journal, .retained = *retained, ...}));
//   auto listener = TRY(TcpListener::listen(pool, address, tcp, [&](EventLoop& loop) { return broker->make_handler(loop); }));
//   ...
//   broker->shut_down();                 // tells the clients; wills are stored and delivered
//   pool.stop();                         // then the broker may go
//
// A message's way: Link::on_publish -> RetainedStore::set -> MessageSink::accept -> BrokerLoop::fan_out -> Session::deliver ->
// Link::send_output; Link::committed acknowledges it once the journal has it.
// What survives a restart: retained messages, and sessions with an expiry: their subscriptions, queues, messages in flight both ways,
// delayed wills, and since when their client is away (broker/session_store.h).
// Threads: add_listener() at start; make_handler() on the loop it names; the rest from any. Ownership: what `parts` refers to outlives the broker, and the
// broker outlives the loops' run. Limits: BrokerOptions.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "broker/client_list.h"
#include "broker/listener_profile.h"
#include "broker/options.h"
#include "broker/ports.h"
#include "broker/retained_store.h"
#include "broker/session_store.h"
#include "broker/topic_watch.h"
#include "broker/traffic.h"
#include "journal/journal.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace campanile::broker {

struct BrokerStatus {
  size_t connections = 0;
  size_t sessions = 0;  // of clients that are connected or away
  size_t subscriptions = 0;
  size_t retained_messages = 0;
  size_t retained_bytes = 0;
  size_t queued_messages = 0;      // that wait for clients away or slow
  size_t queued_bytes = 0;         // of them
  size_t queued_memory_bytes = 0;  // what those in memory cost
  size_t in_flight_bytes = 0;      // sent to sessions that are kept, not acknowledged
  uint64_t messages_in = 0;  // since start, like all below
  uint64_t messages_out = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t connections_opened = 0;
  uint64_t connections_refused = 0;
  uint64_t violations = 0;
  std::array<uint64_t, kDropReasons> dropped{};  // by DropReason
};

struct BrokerParts {
  std::vector<net::EventLoop*> loops;
  journal::Journal& journal;  // nothing has been appended yet
  RetainedStore& retained;    // attached to the journal
  SessionStore& sessions;     // the same; restored by create()
  MessageSink& sink;
  Authenticator& authenticator;
  const Clock& clock;
  Metrics& metrics;
  std::function<uint64_t()> memory_bytes = {};  // that the program holds, for $SYS/broker/heap/…; empty: not published
};

// A message that somebody publishes through the program and not over a connection.
struct OwnMessage {
  std::string topic;
  std::string payload;
  uint8_t qos = 0;
  bool retain = false;
  std::string client_id;  // what the sink is told of its sender
  std::string user;
};

struct SharedState;

class Broker {
 public:
  // Errors: kInvalidArgument, naming the option; the session store's.
  static Result<std::unique_ptr<Broker>> create(const BrokerOptions& options, const BrokerParts& parts);
  ~Broker();

  // Keeps the profile as long as the broker lives. Before the first connection.
  const ListenerProfile& add_listener(ListenerProfile profile);
  // For one connection accepted on `loop`, one of the parts' loops; without a profile everybody may do everything that the
  // authenticator lets in.
  std::shared_ptr<net::TcpHandler> make_handler(net::EventLoop& loop);
  std::shared_ptr<net::TcpHandler> make_handler(net::EventLoop& loop, const ListenerProfile& profile);

  // Delivers a message of the program itself to subscribers, and retains it where asked; it does not pass the sink.
  // Errors: kInvalidArgument (topic, QoS), kOverloaded (options.local_messages_max under way).
  Result<void> publish_local(std::string_view topic, std::string_view payload, uint8_t qos, bool retain);

  // As a client's message: given to the sink, retained where asked, delivered. `done` is called once, on a loop or at once, when the
  // message is safe, with whether it was retained. Errors: kInvalidArgument (topic, QoS, size), kPermissionDenied (the broker's own
  // topics), kOverloaded (the store or options.local_messages_max), kIoError.
  void publish(OwnMessage message, std::function<void(Result<bool>)> done);

  BrokerStatus status() const;
  // A name of this broker, another one at every start.
  const std::string& id() const;
  // What the session of that client identifier subscribes; nothing where there is none.
  std::vector<std::string> filters_of(std::string_view client_id) const;

  // For who looks at the broker, on a worker.
  ClientList clients() const { return ClientList(shared_); }
  // Looks at the topics, and makes the broker count messages by topic for TopicWatch::kLookS seconds more.
  TopicView topics(const TopicQuery& query);

  // Ends the client's connection with "administrative action" (0x98, version 5) and, with `end_session`, forgets what is kept for it.
  // Its will is published. `done` is called once it is done, on a loop or at once, with false where no such client is known.
  void disconnect_client(std::string_view client_id, bool end_session, std::function<void(bool)> done);

  // Ends every connection with "server shutting down", and refuses new ones. Returns at once; the loops do it.
  void shut_down();

 private:
  explicit Broker(std::shared_ptr<SharedState> shared);

  std::shared_ptr<SharedState> shared_;  // the metrics' gauges look at it weakly
};

}  // namespace campanile::broker
