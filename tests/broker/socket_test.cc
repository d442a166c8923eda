// The broker over real sockets, threads and disk: our own clients in numbers, and Mosquitto's.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "broker/broker.h"
#include "fakes.h"
#include "journal/journal.h"
#include "mqtt/client_connection.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace campanile::broker {
namespace {

using namespace std::chrono_literals;
using mqtt::ProtocolVersion;

class JournalSink final : public MessageSink {
 public:
  explicit JournalSink(journal::Journal& journal) : journal_(journal) {}
  bool wants(std::string_view) override { return false; }
  Result<journal::Awaited> accept(const ReceivedMessage& message) override {
    ++accepted;
    const journal::NewRecord record{.type = journal::RecordType::kPoints, .head = message.topic, .tail = message.payload};
    return journal::Awaited{.synced = TRY(message.append ? (*message.append)({&record, 1}) : journal_.append(record.type, record.head, record.tail))};
  }
  std::atomic<uint64_t> accepted{0};

 private:
  journal::Journal& journal_;
};

bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < limit) {
    if (condition()) return true;
    std::this_thread::sleep_for(2ms);
  }
  return false;
}

class SocketTest : public testing::Test {
 protected:
  void SetUp() override {
    directory = std::filesystem::temp_directory_path() / ("campanile-broker-test-" + std::to_string(getpid()));
    std::filesystem::remove_all(directory);
    open();
  }
  void TearDown() override {
    client_loops.stop();
    close();
    std::filesystem::remove_all(directory);
  }
  void open() {
    loops = std::make_unique<net::EventLoopPool>(3);
    retained = std::move(*RetainedStore::load(*store, options));
    sessions = std::move(*SessionStore::load(*store));
    auto opened = journal::Journal::open(directory / "journal", {}, [&](const journal::Record& record) {
      if (sessions->owns(record.type)) return sessions->replay(record);
      return retained->owns(record.type) ? retained->replay(record) : Result<void>();
    });
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
    retained->attach(*journal);
    sessions->attach(*journal);
    sink = std::make_unique<JournalSink>(*journal);
    metrics = std::make_unique<Metrics>();
    auto made = Broker::create(options, {.loops = {&loops->at(0), &loops->at(1), &loops->at(2)}, .journal = *journal, .retained = *retained,
                                         .sessions = *sessions, .sink = *sink, .authenticator = authenticator, .clock = clock, .metrics = *metrics});
    ASSERT_TRUE(made) << made.error().message;
    broker = std::move(*made);
    sessions->start();
    auto listening = net::TcpListener::listen(*loops, {"127.0.0.1", port}, {}, [this](net::EventLoop& loop) { return broker->make_handler(loop); });
    ASSERT_TRUE(listening) << listening.error().message;
    listener = std::move(*listening);
    port = listener->address().port;
    loops->start();
  }
  void close() {
    listener->close();
    broker->shut_down();
    loops->stop();
    sessions->stop();
    broker.reset();
    listener.reset();
    loops.reset();
    sink.reset();
    journal.reset();
    sessions.reset();
    retained.reset();
  }

  // A shell command's output.
  static std::string shell(const std::string& command) {
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::string output;
    char buffer[512];
    while (pipe && fgets(buffer, sizeof buffer, pipe)) output += buffer;
    if (pipe) pclose(pipe);
    return output;
  }
  std::string at_port() const { return " -h 127.0.0.1 -p " + std::to_string(port) + " "; }

  std::filesystem::path directory;
  uint16_t port = 0;
  SystemClock clock;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<kv::Store> store = kv::make_memory_store();
  BrokerOptions options;
  FakeAuthenticator authenticator;
  std::unique_ptr<net::EventLoopPool> loops;
  std::unique_ptr<RetainedStore> retained;
  std::unique_ptr<SessionStore> sessions;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<JournalSink> sink;
  std::unique_ptr<Broker> broker;
  std::unique_ptr<net::TcpListener> listener;
  net::EventLoopPool client_loops{2};
};

// One of our own clients: publishes `count` messages "<name> <number>" and keeps what it receives.
class NetClient final : public net::TcpHandler, public mqtt::ClientHandler {
 public:
  struct Script {
    mqtt::ClientOptions options;
    std::string filter;   // subscribed to, where not empty
    std::string topic;    // published to
    int count = 0;
    uint8_t qos = 1;
  };
  struct Seen {
    std::mutex mutex;
    std::map<std::string, std::vector<int>> numbers;  // by publisher
    std::atomic<int> messages{0};
    std::atomic<int> acknowledged{0};
    std::atomic<bool> ready{false};
    std::atomic<bool> failed{false};
  };

  NetClient(Script script, std::shared_ptr<Seen> seen) : script_(std::move(script)), seen_(std::move(seen)), client_(script_.options, *this) {}

  void on_open(net::TcpConnection& connection) override {
    connection_ = &connection;
    client_.start(0);
    flush();
  }
  size_t on_bytes(net::TcpConnection&, std::string_view bytes) override {
    const size_t used = client_.receive(bytes, 0);
    publish();
    flush();
    return used;
  }
  void on_connected(const mqtt::ConnectResult&) override {
    if (script_.filter.empty()) {
      seen_->ready = true;
      return;
    }
    const mqtt::SubscribeRequest request{.filter = script_.filter, .qos = script_.qos};
    EXPECT_TRUE(client_.subscribe({&request, 1}, [this](std::span<const mqtt::ReasonCode>) { seen_->ready = true; }));
  }
  void on_message(const mqtt::IncomingMessage& message) override {
    const size_t space = message.payload.find(' ');
    if (space == std::string_view::npos) return;
    {
      std::lock_guard lock(seen_->mutex);
      seen_->numbers[std::string(message.payload.substr(0, space))].push_back(std::stoi(std::string(message.payload.substr(space + 1))));
    }
    ++seen_->messages;
  }
  void on_failed(mqtt::ReasonCode, const Error&) override {
    seen_->failed = true;
    connection_->close();
  }

 private:
  void publish() {
    while (sent_ < script_.count && client_.can_publish()) {
      const std::string payload = script_.options.client_id + " " + std::to_string(sent_++);
      EXPECT_TRUE(client_.publish({.topic = script_.topic, .payload = payload, .qos = script_.qos},
                                  [this](const mqtt::PublishResult& result) { seen_->acknowledged += result.reason == mqtt::ReasonCode::kSuccess; }));
    }
  }
  void flush() { connection_->send(client_.take_output()); }

  Script script_;
  std::shared_ptr<Seen> seen_;
  mqtt::ClientConnection client_;
  net::TcpConnection* connection_ = nullptr;
  int sent_ = 0;
};

TEST_F(SocketTest, ManyPublishersAndSubscribersAcrossLoops) {
  options.queue_messages_max = 100'000;
  options.queue_bytes_max = 64u << 20;
  close();
  open();
  client_loops.start();
  constexpr int kPublishers = 5, kSubscribers = 6, kMessages = 300;
  int next_loop = 0;
  const auto start = [&](NetClient::Script script) {
    auto seen = std::make_shared<NetClient::Seen>();
    net::tcp_connect(client_loops, client_loops.at(next_loop++ % 2), {.address = {"127.0.0.1", port}},
                     std::make_unique<NetClient>(std::move(script), seen));
    return seen;
  };
  std::vector<std::shared_ptr<NetClient::Seen>> subscribers, publishers;
  for (int i = 0; i < kSubscribers; ++i) {
    subscribers.push_back(start({.options = {.version = i % 2 ? ProtocolVersion::kV5 : ProtocolVersion::kV311, .client_id = "s" + std::to_string(i)},
                                 .filter = i % 3 == 0 ? "#" : "+/x/#", .qos = static_cast<uint8_t>(1 + i % 2)}));
  }
  for (const auto& seen : subscribers) ASSERT_TRUE(eventually([&] { return seen->ready.load(); }));
  for (int i = 0; i < kPublishers; ++i) {
    publishers.push_back(start({.options = {.client_id = "p" + std::to_string(i), .in_flight_max = 50}, .topic = "u4/x/" + std::to_string(i % 2),
                                .count = kMessages, .qos = static_cast<uint8_t>(1 + i % 2)}));
  }
  // Meanwhile others come and go, and take the same session from each other.
  std::vector<std::shared_ptr<NetClient::Seen>> passing;
  for (int i = 0; i < 60; ++i) {
    passing.push_back(start({.options = {.version = ProtocolVersion::kV5, .client_id = "restless" + std::to_string(i % 3), .clean_start = i % 5 == 0,
                                         .session_expiry_s = i % 2 ? 100u : 0u},
                             .filter = i % 2 ? "u4/#" : "u4/x/0", .topic = "elsewhere", .count = 3}));
    std::this_thread::sleep_for(1ms);
  }
  for (const auto& seen : publishers) EXPECT_TRUE(eventually([&] { return seen->acknowledged == kMessages; })) << seen->acknowledged;
  for (const auto& seen : subscribers) {
    // Who subscribes to everything hears the restless as well.
    EXPECT_TRUE(eventually([&] {
      std::lock_guard lock(seen->mutex);
      size_t count = 0;
      for (int i = 0; i < kPublishers; ++i) count += seen->numbers["p" + std::to_string(i)].size();
      return count >= kPublishers * kMessages;
    })) << seen->messages;
    std::lock_guard lock(seen->mutex);
    for (int i = 0; i < kPublishers; ++i) {
      const auto& numbers = seen->numbers["p" + std::to_string(i)];
      ASSERT_EQ(numbers.size(), static_cast<size_t>(kMessages));
      EXPECT_TRUE(std::ranges::is_sorted(numbers)) << "[MQTT-4.6.0-5]";
    }
  }
  EXPECT_EQ(broker->status().dropped[static_cast<size_t>(DropReason::kQueueFull)], 0u);
  EXPECT_GE(sink->accepted, static_cast<uint64_t>(kPublishers * kMessages));
}

TEST_F(SocketTest, MosquittosClients) {
  if (shell("which mosquitto_sub").empty()) GTEST_SKIP() << "mosquitto-clients is not installed";
  for (const char* version : {"mqttv31", "mqttv311", "mqttv5"}) {
    for (const char* qos : {"0", "1", "2"}) {
      std::string heard;
      std::thread listener_thread([&] {
        heard = shell("timeout 50 mosquitto_sub -V " + std::string(version) + at_port() + "-t 'u4/+/co2' -t 'never' -C 3 -q " + qos + " -v");
      });
      EXPECT_TRUE(eventually([&] { return broker->status().subscriptions == 2; }));
      EXPECT_EQ(shell("printf '412\\n413\\n' | mosquitto_pub -V " + std::string(version) + at_port() + "-t u4/302/co2 -l -q " + qos), "");
      EXPECT_EQ(shell("mosquitto_pub -V " + std::string(version) + at_port() + "-t u4/303/co2 -m 414 -q " + qos), "");
      listener_thread.join();
      EXPECT_EQ(heard, "u4/302/co2 412\nu4/302/co2 413\nu4/303/co2 414\n") << version << " QoS " << qos;
      EXPECT_TRUE(eventually([&] { return broker->status().subscriptions == 0; }));
    }
  }
  EXPECT_NE(shell("mosquitto_pub" + at_port() + "-t a -m 1 -u u -P wrong"), "");
  EXPECT_EQ(shell("mosquitto_pub" + at_port() + "-t a -m 1 -u u -P secret"), "");
}

TEST_F(SocketTest, RetainedMessagesSurviveARestart) {
  if (shell("which mosquitto_sub").empty()) GTEST_SKIP() << "mosquitto-clients is not installed";
  EXPECT_EQ(shell("mosquitto_pub" + at_port() + "-t state/u4 -m open -q 1 -r"), "");
  EXPECT_EQ(shell("mosquitto_pub" + at_port() + "-t state/bu -m closed -q 2 -r"), "");
  EXPECT_EQ(shell("mosquitto_pub" + at_port() + "-t state/bu -n -q 1 -r"), "");
  close();
  open();
  EXPECT_EQ(shell("timeout 20 mosquitto_sub" + at_port() + "-t 'state/#' -C 1 -v"), "state/u4 open\n");
  EXPECT_EQ(broker->status().retained_messages, 1u);
}

TEST_F(SocketTest, AWillOfMosquittosClient) {
  if (shell("which mosquitto_sub").empty()) GTEST_SKIP() << "mosquitto-clients is not installed";
  std::string heard;
  std::thread watch([&] { heard = shell("timeout 50 mosquitto_sub" + at_port() + "-t gone/# -C 1 -v"); });
  EXPECT_TRUE(eventually([&] { return broker->status().subscriptions == 1; }));
  std::vector<std::string> words = {"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(port), "-t", "x", "-i", "station",
                                    "--will-topic", "gone/station", "--will-payload", "bye"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t station = 0;
  ASSERT_EQ(posix_spawnp(&station, arguments[0], nullptr, nullptr, arguments.data(), environ), 0);
  EXPECT_TRUE(eventually([&] { return broker->status().subscriptions == 2; }));
  kill(station, SIGKILL);
  waitpid(station, nullptr, 0);
  watch.join();
  EXPECT_EQ(heard, "gone/station bye\n");
}

}  // namespace
}  // namespace campanile::broker
