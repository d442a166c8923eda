// What the broker pays for one message, piece by piece: the packet, its topic, its receivers.
//
//   mqtt_bench --benchmark_filter=match

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "broker/match_cache.h"
#include "broker/retained_store.h"
#include "broker/session.h"
#include "broker/session_store.h"
#include "broker/subscription_tree.h"
#include "kv/store.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "mqtt/server_connection.h"
#include "mqtt/topic.h"

namespace {

using namespace campanile;

constexpr std::string_view kTopic = "load/building7/room123/temperature";
const std::string kPayload(140, 'x');

std::string publish_packet(mqtt::ProtocolVersion version, uint8_t qos) {
  std::string packet;
  mqtt::encode_publish(packet, version, {.topic = kTopic, .payload = kPayload, .qos = qos, .packet_id = 7});
  return packet;
}

void decode_publish(benchmark::State& state) {
  const auto version = static_cast<mqtt::ProtocolVersion>(state.range(0));
  const std::string packet = publish_packet(version, 1);
  const mqtt::Limits limits;
  for (auto _ : state) {
    const auto frame = mqtt::next_frame(packet, 1 << 20);
    benchmark::DoNotOptimize(mqtt::decode_publish(**frame, version, limits));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(packet.size()));
}
BENCHMARK(decode_publish)->Arg(4)->Arg(5);

void encode_publish(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    mqtt::encode_publish(out, mqtt::ProtocolVersion::kV311, {.topic = kTopic, .payload = kPayload, .qos = 1, .packet_id = 7});
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_publish);

// A portion of input of a pipelining publisher through the whole state machine.
void receive_publishes(benchmark::State& state) {
  struct Handler final : mqtt::ServerHandler {
    void on_connect(const mqtt::ConnectPacket&) override { connection->accept(out, false, 0, {}); }
    mqtt::Taken on_publish(const mqtt::PublishPacket& packet) override {
      benchmark::DoNotOptimize(packet.payload.data());
      return mqtt::Taken::kYes;
    }
    void on_ack(const mqtt::AckPacket&) override {}
    void on_release(const mqtt::AckPacket&) override {}
    void on_subscribe(const mqtt::SubscribePacket&) override {}
    void on_unsubscribe(const mqtt::UnsubscribePacket&) override {}
    void on_disconnect(const mqtt::DisconnectPacket&) override {}
    void on_violation(const mqtt::Violation&) override {}
    mqtt::ServerConnection* connection = nullptr;
    std::string out;
  } handler;
  const mqtt::ServerSettings settings;
  mqtt::ServerConnection connection(settings, 0);
  handler.connection = &connection;
  std::string connect;
  mqtt::encode_connect(connect, {.client_id = "bench"});
  connection.receive(connect, 0, handler.out, handler);
  std::string input;
  constexpr int kMessages = 300;
  for (int i = 0; i < kMessages; ++i) input += publish_packet(mqtt::ProtocolVersion::kV311, 1);
  for (auto _ : state) benchmark::DoNotOptimize(connection.receive(input, 0, handler.out, handler));
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK(receive_publishes);

void topic_matches(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(mqtt::topic_matches("load/+/room123/#", kTopic));
}
BENCHMARK(topic_matches);

// Subscriptions as a campus has them: most to one topic, some to a kind of sensor everywhere, a few to everything.
struct Campus {
  explicit Campus(int64_t subscriptions) {
    Random random(7);
    for (int64_t i = 0; i < subscriptions; ++i) {
      auto session = std::make_shared<broker::Session>("s" + std::to_string(i), environment, false);
      const std::string building = "building" + std::to_string(random.below(79)), room = "room" + std::to_string(random.below(100'000));
      const uint64_t kind = random.below(1000);
      const std::string filter = kind == 0  ? "load/" + building + "/#"
                                 : kind < 50 ? "load/+/" + room + "/temperature"
                                             : "load/" + building + "/" + room + "/temperature";
      tree.add(filter, {.session = session, .qos = 1});
    }
  }
  std::unique_ptr<kv::Store> store = kv::make_memory_store();
  broker::BrokerOptions options;
  std::unique_ptr<broker::RetainedStore> retained = std::move(*broker::RetainedStore::load(*store, options));
  std::unique_ptr<broker::SessionStore> sessions = std::move(*broker::SessionStore::load(*store));
  broker::SessionEnvironment environment{options, *retained, *sessions};
  broker::SubscriptionTree tree;
};

void match_tree(benchmark::State& state) {
  const Campus campus(state.range(0));
  size_t found = 0;
  for (auto _ : state) found += campus.tree.match(kTopic)->size();
  state.counters["receivers"] = benchmark::Counter(static_cast<double>(found) / static_cast<double>(state.iterations()));
}
BENCHMARK(match_tree)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

void match_cached(benchmark::State& state) {
  const Campus campus(100'000);
  broker::MatchCache cache(campus.tree, 16'384, 1'000'000);
  std::vector<std::string> topics;
  for (int i = 0; i < 1000; ++i) topics.push_back("load/building" + std::to_string(i % 79) + "/room" + std::to_string(i) + "/temperature");
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(cache.find(topics[i++ % topics.size()]));
}
BENCHMARK(match_cached);

}  // namespace
