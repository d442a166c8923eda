#include "broker/broker.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "broker/broker_loop.h"
#include "broker/link.h"
#include "broker/shared_state.h"
#include "mqtt/topic.h"
#include "mqtt/wire.h"

namespace campanile::broker {
namespace {

Result<void> check(const BrokerOptions& options) {
  const mqtt::Limits& limits = options.protocol.limits;
  const auto require = [](bool holds, std::string_view name, std::string_view wanted) -> Result<void> {
    if (holds) return {};
    return fail(ErrorCode::kInvalidArgument, "{}: wanted {}", name, wanted);
  };
  TRY(require(limits.packet_bytes_max >= 1024 && limits.packet_bytes_max <= mqtt::kPacketBytesLimit, "packet_bytes_max", "1024 to 268435460"));
  TRY(require(limits.topic_levels_max >= 1, "topic_levels_max", "1 or more"));
  TRY(require(limits.receive_maximum >= 1, "receive_maximum", "1 or more"));
  TRY(require(limits.filters_per_packet_max >= 1, "filters_per_packet_max", "1 or more"));
  const std::string& responses = options.response_topics;
  TRY(require(responses.size() <= 1024 && mqtt::is_valid_string(responses) && !mqtt::has_wildcard(responses), "response_topics",
              "at most 1024 bytes of UTF-8 without '+' and '#'"));
  TRY(require(options.in_flight_max >= 1, "in_flight_max", "1 or more"));
  TRY(require(options.queue_memory_bytes_max >= 64 * 1024, "queue_memory_bytes_max", "64 KiB or more"));
  // Below it a connection that is written to could wait for a wake-up that never comes (net: high water).
  TRY(require(options.connection_bytes_max >= 256 * 1024, "connection_bytes_max", "256 KiB or more"));
  return {};
}

void add_gauges(Metrics& metrics, const std::shared_ptr<SharedState>& shared) {
  const auto gauge = [&](std::string_view name, std::string_view help, double (*read)(const SharedState&)) {
    metrics.gauge(name, help, [weak = std::weak_ptr<SharedState>(shared), read] {
      const auto state = weak.lock();
      return state ? read(*state) : 0.0;
    });
  };
  gauge("campanile_broker_connections", "Open MQTT connections", [](const SharedState& s) { return static_cast<double>(s.connections.load()); });
  gauge("campanile_broker_sessions", "MQTT sessions, of clients connected or away",
        [](const SharedState& s) { return static_cast<double>(s.registry.size()); });
  gauge("campanile_broker_subscriptions", "MQTT subscriptions", [](const SharedState& s) { return static_cast<double>(s.tree.size()); });
  gauge("campanile_broker_retained_messages", "Retained messages", [](const SharedState& s) { return static_cast<double>(s.retained.size()); });
  gauge("campanile_broker_retained_bytes", "Bytes of retained messages", [](const SharedState& s) { return static_cast<double>(s.retained.bytes()); });
  gauge("campanile_broker_clients", "Connections of clients that have said CONNECT", [](const SharedState& s) { return static_cast<double>(s.clients.load()); });
  gauge("campanile_broker_clients_most", "The most of them at the same time", [](const SharedState& s) { return static_cast<double>(s.clients_max.load()); });
  gauge("campanile_broker_shared_subscriptions", "MQTT subscriptions that are in a group",
        [](const SharedState& s) { return static_cast<double>(s.tree.shared_size()); });
  gauge("campanile_broker_queued_messages", "Messages that wait for clients away or slow",
        [](const SharedState& s) { return static_cast<double>(s.environment.queued_messages.load()); });
  gauge("campanile_broker_queued_bytes", "Bytes of messages that wait for clients away or slow",
        [](const SharedState& s) { return static_cast<double>(s.environment.queued_bytes.load()); });
  gauge("campanile_broker_queued_memory_bytes", "Memory that messages take which wait for clients away or slow; the others are on disk",
        [](const SharedState& s) { return static_cast<double>(s.environment.memory_bytes.load()); });
  gauge("campanile_broker_in_flight_bytes", "Memory of messages sent and not acknowledged, of sessions that are kept",
        [](const SharedState& s) { return static_cast<double>(s.environment.in_flight_bytes.load()); });
  gauge("campanile_broker_in_flight_messages", "Messages of QoS 1 and 2 that were sent and are not acknowledged to the end",
        [](const SharedState& s) { return static_cast<double>(s.counters.in_flight_messages.load()); });
  gauge("campanile_broker_wills", "Wills of clients connected or away", [](const SharedState& s) { return static_cast<double>(s.sessions.wills().size()); });
  gauge("campanile_broker_wills_bytes", "Memory of these wills", [](const SharedState& s) { return static_cast<double>(s.sessions.wills().bytes()); });
  gauge("campanile_broker_input_bytes", "Memory of packets that are begun and not complete, without those of up to 16 KiB",
        [](const SharedState& s) { return static_cast<double>(s.input.bytes()); });
}

}  // namespace

std::string make_broker_id() {
  std::string id;
  for (const char byte : random_bytes(10)) id += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return id;
}

void SharedState::finish(Session& session, Session::Ended ended) {
  registry.remove(session);
  for (const std::string& filter : ended.filters) tree.remove(filter, session);
  if (ended.link) {
    BrokerLoop& its_loop = ended.link->loop();
    its_loop.event_loop().post([link = std::move(ended.link)] { link->taken_over(); });
  }
  if (!ended.unfinished.empty()) {
    BrokerLoop& loop = *loops.front();
    loop.event_loop().post([&loop, unfinished = std::move(ended.unfinished)] {
      loop.share_again(unfinished);
      loop.end_batch();
    });
  }
  if (ended.will != 0) {
    BrokerLoop& loop = *loops.front();
    loop.event_loop().post([&loop, will = ended.will] {
      loop.publish_will(will);
      loop.end_batch();
    });
  }
}

// What the last run left: sessions, their subscriptions, and what is due for those whose clients are away. Who was connected when the
// program ended is away from now on, and leaves its will.
Result<void> SharedState::restore() {
  const int64_t now_ns = clock.now_ns();
  const int64_t steady_ns = clock.steady_ns();
  size_t count = 0;
  for (SessionState& state : TRY(sessions.restore())) {
    if (state.away_since_ns == 0) state.away_since_ns = now_ns;
    // A wall clock that was set back must not lengthen a session's life.
    const int64_t away_ns = std::max<int64_t>(now_ns - state.away_since_ns, 0);
    const bool expired = state.expiry_s != UINT32_MAX && away_ns >= state.expiry_s * kNanosPerSecond;
    const auto session = std::make_shared<Session>(std::move(state), environment);
    counters.in_flight_messages += static_cast<int64_t>(session->status().in_flight);
    if (expired) {
      Traffic traffic;
      Session::Ended ended = session->end(traffic);
      ended.will = 0;  // publish_wills_of_last_run() sees to it
      finish(*session, std::move(ended));
      counters.add(traffic);
      counters.sessions_expired.add();
      continue;
    }
    registry.restore(session);
    for (const auto& [filter, terms] : session->subscriptions()) {
      tree.add(filter, {.session = session, .qos = terms.qos, .no_local = terms.no_local, .retain_as_published = terms.retain_as_published,
                        .identifier = terms.identifier});
    }
    keep_away(session, session->away(), steady_ns - away_ns);
    ++count;
  }
  if (count > 0) log::info("{} sessions restored, {} messages wait", count, environment.queued_messages.load());
  return {};
}

// At once, and not when the loop comes to it: a client that is back sooner would have its "I am here" overtaken by its last words.
void SharedState::publish_wills_of_last_run() {
  size_t count = 0;
  for (const uint64_t number : sessions.wills().numbers()) {
    const WillPtr will = sessions.wills().find(number);
    const std::shared_ptr<Session> session = registry.find(will->client_id);
    if (session && session->will() == will) continue;  // it waits for its delay
    loops.front()->publish_will(number);
    ++count;
  }
  loops.front()->end_batch();
  if (count > 0) log::info("the wills of {} clients are published that were connected when the program ended", count);
}

void SharedState::keep_away(const std::shared_ptr<Session>& session, const Session::Detached& detached, int64_t since_steady_ns) {
  if (detached.will_delay_s > 0) {
    away.add(since_steady_ns + detached.will_delay_s * kNanosPerSecond, {.session = session, .epoch = detached.epoch, .due = AwayList::Due::kWill});
  }
  if (detached.expiry_s != UINT32_MAX) {
    away.add(since_steady_ns + detached.expiry_s * kNanosPerSecond,
             {.session = session, .epoch = detached.epoch, .due = AwayList::Due::kSessionEnd});
  }
}

Broker::Broker(std::shared_ptr<SharedState> shared) : shared_(std::move(shared)) {}

Result<std::unique_ptr<Broker>> Broker::create(const BrokerOptions& options, const BrokerParts& parts) {
  TRY(check(options));
  CHECK(!parts.loops.empty());
  auto shared = std::make_shared<SharedState>(options, parts.retained, parts.sessions, parts.sink, parts.authenticator, parts.clock,
                                              parts.metrics);
  shared->input.make_room_for(options.protocol.limits.packet_bytes_max);
  shared->profiles.push_back({.protocol_settings = options.protocol, .keep_alive_max_s = options.keep_alive_max_s});
  for (size_t i = 0; i < parts.loops.size(); ++i) {
    shared->loops.push_back(std::make_unique<BrokerLoop>(*shared, *parts.loops[i], parts.journal, static_cast<uint16_t>(i)));
  }
  if (options.system_interval_s > 0) shared->system = std::make_unique<SystemPublisher>(*shared, parts.memory_bytes);
  TRY(shared->restore());
  parts.sessions.serve({.registry = shared->registry, .environment = shared->environment, .clock = parts.clock, .counters = shared->counters,
                        .wake = [state = shared.get()](int loop, std::shared_ptr<Session> session) {
                          state->loops[static_cast<size_t>(loop)]->receive_wakes({std::move(session)});
                        },
                        .loops = parts.loops.size()});
  for (auto& loop : shared->loops) loop->start();
  shared->publish_wills_of_last_run();
  add_gauges(parts.metrics, shared);
  return std::unique_ptr<Broker>(new Broker(std::move(shared)));
}

Broker::~Broker() {
  shared_->sessions.leave();
  for (auto& loop : shared_->loops) loop->close();
}

const ListenerProfile& Broker::add_listener(ListenerProfile profile) {
  shared_->input.make_room_for(profile.protocol_settings.limits.packet_bytes_max);
  return shared_->profiles.emplace_back(std::move(profile));
}

std::shared_ptr<net::TcpHandler> Broker::make_handler(net::EventLoop& loop) { return make_handler(loop, shared_->profiles.front()); }

std::shared_ptr<net::TcpHandler> Broker::make_handler(net::EventLoop& loop, const ListenerProfile& profile) {
  for (auto& own : shared_->loops) {
    if (&own->event_loop() == &loop) return std::make_shared<Link>(*own, profile);
  }
  CHECK(!"a loop that the broker was not created with");
  return nullptr;
}

namespace {

// Whether a message of the program itself is one that a client could send.
Result<void> check_message(const BrokerOptions& options, std::string_view topic, std::string_view payload, uint8_t qos) {
  const mqtt::Limits& limits = options.protocol.limits;
  if (topic.size() > UINT16_MAX || !mqtt::is_valid_string(topic) || !mqtt::is_valid_topic(topic, limits.topic_levels_max)) {
    return fail(ErrorCode::kInvalidArgument, "'{:.80}' is not a topic to publish to", topic);
  }
  if (qos > 2) return fail(ErrorCode::kInvalidArgument, "QoS {}: wanted 0, 1 or 2", qos);
  if (payload.size() + topic.size() + 64 > limits.packet_bytes_max) {
    return fail(ErrorCode::kInvalidArgument, "a message of {} bytes: packet_bytes_max allows {}", payload.size(), limits.packet_bytes_max);
  }
  return {};
}

}  // namespace

Result<void> Broker::publish_local(std::string_view topic, std::string_view payload, uint8_t qos, bool retain) {
  TRY(check_message(shared_->options, topic, payload, qos));
  if (++shared_->local_messages > shared_->options.local_messages_max) {
    --shared_->local_messages;
    return fail(ErrorCode::kOverloaded, "{} messages of the program itself are under way", shared_->options.local_messages_max);
  }
  auto message = std::make_shared<const Message>(Message{.topic = std::string(topic), .payload = std::string(payload),
                                                         .published_ns = shared_->clock.now_ns(), .qos = qos, .retain = retain});
  BrokerLoop& loop = *shared_->loops.front();
  loop.event_loop().post([&loop, message = MessagePtr(std::move(message))] {
    SharedState& shared = loop.shared();
    --shared.local_messages;
    Publication publication = Publication::of(message);
    if (publication.retain) {
      const auto kept = shared.retained.set(publication);
      if (!kept) {
        log::warning("'{}' was delivered but not retained: {}", publication.topic, kept.error().message);
        loop.traffic().drop(DropReason::kRetainedLimit);
      }
    }
    if (const auto delivered = loop.fan_out(publication, message->published_ns); !delivered) {
      log::warning("'{}' did not reach everybody: {}", publication.topic, delivered.error().message);
      loop.traffic().drop(DropReason::kStoreFailed);
    }
    loop.end_batch();
  });
  return {};
}

namespace {

// Retained last: a message that the store has no room for has changed nothing.
Result<bool> publish_on_loop(BrokerLoop& loop, const OwnMessage& message, journal::Awaited& awaited) {
  SharedState& shared = loop.shared();
  const int64_t now_ns = shared.clock.now_ns();
  awaited = TRY(shared.sink.accept({.topic = message.topic, .payload = message.payload, .qos = message.qos, .retain = message.retain,
                                    .client_id = message.client_id, .user = message.user, .received_ns = now_ns}));
  Publication publication{.topic = message.topic, .payload = message.payload, .published_ns = now_ns, .qos = message.qos, .retain = message.retain};
  bool retained = false;
  if (message.retain) {
    const auto kept = shared.retained.set(publication);
    if (!kept && kept.error().code != ErrorCode::kTooLarge) return std::unexpected(kept.error());
    if (!kept) loop.traffic().drop(DropReason::kRetainedLimit);
    if (kept) awaited.include({.synced = *kept});
    retained = kept.has_value();
  }
  awaited.include({.synced = TRY(loop.fan_out(publication, now_ns)).lsn});
  return retained;
}

}  // namespace

void Broker::publish(OwnMessage message, std::function<void(Result<bool>)> done) {
  if (const auto good = check_message(shared_->options, message.topic, message.payload, message.qos); !good) return done(std::unexpected(good.error()));
  if (is_own_topic(message.topic)) return done(fail(ErrorCode::kPermissionDenied, "topics below $SYS are the broker's own"));
  if (++shared_->local_messages > shared_->options.local_messages_max) {
    --shared_->local_messages;
    return done(fail(ErrorCode::kOverloaded, "{} messages of the program itself are under way", shared_->options.local_messages_max));
  }
  BrokerLoop& loop = *shared_->loops.front();
  loop.event_loop().post([&loop, message = std::move(message), done = std::move(done)]() mutable {
    --loop.shared().local_messages;
    journal::Awaited awaited;
    const Result<bool> published = publish_on_loop(loop, message, awaited);
    loop.end_batch();
    if (!published) return done(published);
    loop.commits().when_safe(awaited, [retained = *published, done = std::move(done)](const Result<void>& stored) {
      done(stored ? Result<bool>(retained) : std::unexpected(stored.error()));
    });
  });
}

TopicView Broker::topics(const TopicQuery& query) {
  shared_->watch.look(shared_->clock.steady_ns(), shared_->retained, shared_->clock.now_ns());
  return shared_->watch.view(query);
}

void Broker::disconnect_client(std::string_view client_id, bool end_session, std::function<void(bool)> done) {
  std::shared_ptr<Session> session = shared_->registry.find(client_id);
  if (!session) return done(false);
  std::shared_ptr<Link> link = session->link();
  BrokerLoop& loop = link ? link->loop() : *shared_->loops.front();
  loop.event_loop().post([&loop, session = std::move(session), link = std::move(link), end_session, done = std::move(done)] {
    if (link) link->disconnect_by_operator();
    if (end_session) {
      Session::Ended ended = session->end(loop.traffic());
      if (ended.by_this_call) loop.shared().finish(*session, std::move(ended));
      loop.end_batch();
    }
    done(true);
  });
}

BrokerStatus Broker::status() const {
  const BrokerCounters& counters = shared_->counters;
  BrokerStatus status{.connections = shared_->connections.load(),
                      .sessions = shared_->registry.size(),
                      .subscriptions = shared_->tree.size(),
                      .retained_messages = shared_->retained.size(),
                      .retained_bytes = shared_->retained.bytes(),
                      .queued_messages = shared_->environment.queued_messages.load(),
                      .queued_bytes = shared_->environment.queued_bytes.load(),
                      .queued_memory_bytes = shared_->environment.memory_bytes.load(),
                      .in_flight_bytes = shared_->environment.in_flight_bytes.load(),
                      .messages_in = counters.messages_in.value(),
                      .messages_out = counters.messages_out.value(),
                      .bytes_in = counters.bytes_in.value(),
                      .bytes_out = counters.bytes_out.value(),
                      .connections_opened = counters.connections_opened.value(),
                      .connections_refused = counters.connections_refused.value(),
                      .violations = counters.violations.value()};
  for (size_t i = 0; i < kDropReasons; ++i) status.dropped[i] = counters.dropped[i]->value();
  return status;
}

const std::string& Broker::id() const { return shared_->id; }

std::vector<std::string> Broker::filters_of(std::string_view client_id) const {
  const std::shared_ptr<Session> session = shared_->registry.find(client_id);
  return session ? session->filters() : std::vector<std::string>();
}

void Broker::shut_down() {
  shared_->stopping = true;
  shared_->registry.each([](const std::shared_ptr<Session>& session) {
    const std::shared_ptr<Link> link = session->link();
    if (!link) return;
    link->loop().event_loop().post([link] { link->shut_down(); });
  });
}

}  // namespace campanile::broker
