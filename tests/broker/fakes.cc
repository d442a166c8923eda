#include "fakes.h"

namespace campanile::broker {

using mqtt::PacketType;
using mqtt::ProtocolVersion;

bool FakeLoop::run_some() {
  net::Task next;
  {
    std::lock_guard lock(mutex_);
    if (!tasks_.empty()) {
      next = std::move(tasks_.front());
      tasks_.pop_front();
    }
  }
  if (next) {
    next();
    return true;
  }
  if (timers_.empty() || timers_.begin()->first > clock_.steady_ns()) return false;
  net::Task task = std::move(timers_.begin()->second);
  timers_.erase(timers_.begin());
  task();
  return true;
}

Bench::Bench(BrokerOptions given, size_t loop_count) : options(given), loop_count_(loop_count) { start(); }

void Bench::start() {
  for (size_t i = 0; i < loop_count_; ++i) loops.push_back(std::make_unique<FakeLoop>(i, clock));
  auto loaded = RetainedStore::load(*store, options);
  EXPECT_TRUE(loaded) << loaded.error().message;
  retained = std::move(*loaded);
  auto kept = SessionStore::load(*store, options);
  EXPECT_TRUE(kept) << kept.error().message;
  sessions = std::move(*kept);
  for (size_t i = 0; i < journal.records.size(); ++i) {
    const auto& [type, bytes] = journal.records[i];
    const journal::Record record{.type = type, .payload = bytes, .lsn = journal.lsns[i]};
    for (journal::Participant* one : {static_cast<journal::Participant*>(retained.get()), static_cast<journal::Participant*>(sessions.get())}) {
      if (!one->owns(type)) continue;
      const auto replayed = one->replay(record);
      EXPECT_TRUE(replayed) << replayed.error().message;
    }
  }
  retained->attach(journal);
  sessions->attach(journal);
  std::vector<net::EventLoop*> pointers;
  for (auto& loop : loops) pointers.push_back(loop.get());
  auto made = Broker::create(options, {.loops = pointers, .journal = journal, .retained = *retained, .sessions = *sessions, .sink = sink,
                                       .authenticator = authenticator, .clock = clock, .metrics = metrics});
  EXPECT_TRUE(made) << made.error().message;
  broker = std::move(*made);
}

Bench::~Bench() { stop(); }

void Bench::restart(bool crash) {
  const size_t records = journal.records.size();
  stop();
  if (crash) {
    journal.records.resize(records);
    journal.lsns.resize(records);
  }
  start();
  run();
}

void Bench::stop() {
  // As net does when it stops: every connection is told, then nothing runs any more.
  for (auto& weak : connections) {
    if (const auto connection = weak.lock()) connection->lose("the program is stopping");
  }
  connections.clear();
  broker.reset();
  sessions.reset();
  retained.reset();
  for (auto& loop : loops) former_loops_.push_back(std::move(loop));
  loops.clear();
}

void Bench::run(bool commits) {
  for (bool busy = true, worked = false; busy || !worked;) {
    if (commits && journal.durable() < journal.end()) journal.commit();
    // What the session store's thread does when the loops are idle.
    worked = !busy;
    if (!busy) sessions->work();
    busy = false;
    for (auto& loop : loops) busy = loop->run_some() || busy;
    if (commits && journal.durable() < journal.end()) busy = true;
  }
}

void Bench::advance(int64_t seconds) {
  for (int64_t i = 0; i < seconds; ++i) {
    clock.advance_ns(kNanosPerSecond);
    run();
  }
}

TestClient::TestClient(Bench& its_bench, std::string client_id, ProtocolVersion its_version, const Change& change, size_t loop)
    : bench(its_bench), version(its_version) {
  net::EventLoop& its_loop = *bench.loops[loop];
  connection = std::make_shared<FakeConnection>(its_loop, bench.profile ? bench.broker->make_handler(its_loop, *bench.profile)
                                                                        : bench.broker->make_handler(its_loop));
  connection->certificate = bench.certificate;
  bench.connections.push_back(connection);
  connection->open();
  mqtt::OutgoingConnect connect{.version = version, .clean_start = true, .keep_alive_s = 60, .client_id = client_id};
  if (change) change(connect);
  std::string packet;
  mqtt::encode_connect(packet, connect);
  send(packet);
  connack = read();
}

TestClient::~TestClient() {
  if (!connection->closing) lose();
}

void TestClient::send(std::string_view bytes) {
  connection->feed(bytes);
  bench.run();
}

void TestClient::subscribe(std::string_view filter, uint8_t qos) { subscribe(mqtt::SubscribeEntry{.filter = filter, .qos = qos}); }

void TestClient::subscribe(const mqtt::SubscribeEntry& entry, uint32_t identifier) {
  std::string packet;
  mqtt::encode_subscribe(packet, version, 1, {&entry, 1}, identifier);
  send(packet);
}

void TestClient::unsubscribe(std::string_view filter) {
  std::string packet;
  mqtt::encode_unsubscribe(packet, version, 1, {&filter, 1});
  send(packet);
}

void TestClient::publish(std::string_view topic, std::string_view payload, uint8_t qos, uint16_t id, bool retain) {
  publish({.topic = topic, .payload = payload, .qos = qos, .retain = retain, .packet_id = id});
}

void TestClient::publish(const mqtt::OutgoingPublish& publish) {
  std::string packet;
  mqtt::encode_publish(packet, version, publish);
  send(packet);
}

void TestClient::ack(PacketType type, uint16_t id, mqtt::ReasonCode reason) {
  std::string packet;
  mqtt::encode_ack(packet, version, type, id, reason);
  send(packet);
}

void TestClient::disconnect(mqtt::ReasonCode reason) {
  std::string packet;
  mqtt::encode_disconnect(packet, version, reason);
  send(packet);
}

void TestClient::lose() {
  connection->lose("connection reset");
  bench.run();
}

namespace {

std::string words_of(const mqtt::PublishPacket& packet, ProtocolVersion version) {
  std::string text = std::string(packet.topic) + "=" + (packet.payload.size() > 40 ? std::to_string(packet.payload.size()) + "B" : std::string(packet.payload));
  if (packet.qos > 0) text += ",q" + std::to_string(packet.qos) + ",id" + std::to_string(packet.packet_id);
  if (packet.duplicate) text += ",dup";
  if (packet.retain) text += ",retain";
  if (packet.message_expiry_s) text += ",expires" + std::to_string(*packet.message_expiry_s);
  if (version != ProtocolVersion::kV5) return text;
  mqtt::Reader in(packet.properties);
  const auto properties = mqtt::decode_properties(packet.properties, mqtt::PropertyOwner::kPublish);
  // As the encoder writes them: expiry, alias, subscription identifiers, then what travels with the message.
  std::string_view rest = packet.properties;
  if (packet.message_expiry_s) rest.remove_prefix(5);
  if (packet.topic_alias != 0) rest.remove_prefix(3);
  while (properties && rest.starts_with('\x0B')) {
    mqtt::Reader ids(rest.substr(1));
    text += ",sub" + std::to_string(ids.varint());
    rest = rest.substr(rest.size() - ids.size());
  }
  if (packet.topic_alias != 0) text += ",alias" + std::to_string(packet.topic_alias);
  if (properties && !properties->content_type.empty()) text += ",type:" + std::string(properties->content_type);
  mqtt::each_user_property(packet.properties, [&](std::string_view name, std::string_view value) { text += "," + std::string(name) + ":" + std::string(value); });
  return text;
}

std::string words_of(const mqtt::Frame& frame, ProtocolVersion version) {
  std::string text(to_string(frame.type));
  const auto hex = [](mqtt::ReasonCode reason) { return fmt::format("{:02X}", static_cast<uint8_t>(reason)); };
  switch (frame.type) {
    case PacketType::kConnack: {
      const auto packet = mqtt::decode_connack(frame.body, version);
      EXPECT_TRUE(packet);
      return text + "(" + hex(packet->reason) + (packet->session_present ? ",present)" : ")");
    }
    case PacketType::kPublish: {
      const auto packet = mqtt::decode_publish(frame, version, mqtt::Limits{});
      EXPECT_TRUE(packet) << packet.error().what;
      return text + "(" + words_of(*packet, version) + ")";
    }
    case PacketType::kSuback:
    case PacketType::kUnsuback: {
      const auto packet = frame.type == PacketType::kSuback ? mqtt::decode_suback(frame.body, version) : mqtt::decode_unsuback(frame.body, version);
      EXPECT_TRUE(packet);
      text += "(" + std::to_string(packet->packet_id);
      for (const auto reason : packet->reasons) text += ":" + std::to_string(static_cast<int>(reason));
      return text + ")";
    }
    case PacketType::kDisconnect: {
      const auto packet = mqtt::decode_disconnect(frame, version);
      EXPECT_TRUE(packet);
      return text + "(" + hex(packet->reason) + ")";
    }
    case PacketType::kPingresp: return text;
    default: {
      const auto packet = mqtt::decode_ack(frame, version);
      EXPECT_TRUE(packet);
      text += "(" + std::to_string(packet->packet_id);
      return text + (packet->reason == mqtt::ReasonCode::kSuccess ? ")" : ":" + hex(packet->reason) + ")");
    }
  }
}

}  // namespace

std::string TestClient::read() {
  const std::string bytes = connection->take();
  bench.run();
  std::string text;
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto frame = mqtt::next_frame(rest, SIZE_MAX);
    if (!frame || !*frame) return text + "GARBAGE";
    text += (text.empty() ? "" : " ") + words_of(**frame, version);
    rest.remove_prefix((*frame)->size);
  }
  return text;
}

}  // namespace campanile::broker
