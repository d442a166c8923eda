// What a publisher says with QoS 2 is kept once, as a point, as a rejected message, or as both, whenever the power is cut and the publisher
// repeats what it has no answer to; and so is the will of a client that was connected. Broker, ingest and engine as the program has them, over
// a disk of the test; seeds are printed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>

#include "base/random.h"
#include "broker/broker.h"
#include "ingest/pipeline.h"
#include "journal/checkpoint.h"
#include "kv/faulty_store.h"
#include "tests/broker/faithful_client.h"
#include "tests/broker/fakes.h"
#include "tests/broker/gated_files.h"

namespace campanile::ingest {
namespace {

using broker::FaithfulClient;
using broker::FakeConnection;
using broker::FakeLoop;

class Plant {
 public:
  explicit Plant(uint64_t seed) : random_(seed) { start(); }
  ~Plant() { stop(); }

  void start() {
    // A reading of this life has no time of the life before.
    clock.advance_ns(kNanosPerSecond);
    files_ = std::make_unique<broker::GatedFiles>(*disk_);
    loop = std::make_unique<FakeLoop>(0, clock);
    engine = std::move(*tsdb::Engine::open({}, *store_, clock));
    rejected = std::move(*RejectedStore::open({}, *store_));
    retained_ = std::move(*broker::RetainedStore::load(*store_, options_));
    sessions_ = std::move(*broker::SessionStore::load(*store_));
    const std::vector<journal::Participant*> participants = {engine.get(), rejected.get(), retained_.get(), sessions_.get()};
    auto opened = journal::Journal::open(*files_, "/journal", {.segment_bytes = 64 * 1024}, [&](const journal::Record& record) -> Result<void> {
      for (journal::Participant* one : participants) {
        if (one->owns(record.type)) return one->replay(record);
      }
      return fail(ErrorCode::kUnsupported, "a record of type {}", static_cast<int>(record.type));
    });
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
    engine->start(*journal);
    rejected->start(*journal, nullptr);
    retained_->attach(*journal);
    sessions_->attach(*journal);
    metrics_ = std::make_unique<Metrics>();
    auto made = Ingest::open({}, *engine, *rejected, clock, *metrics_);
    ASSERT_TRUE(made) << made.error().message;
    ingest_ = std::move(*made);
    checkpointer_ = std::make_unique<journal::Checkpointer>(*journal, participants, journal::CheckpointOptions{});
    auto created = broker::Broker::create(options_, {.loops = {loop.get()}, .journal = *journal, .retained = *retained_, .sessions = *sessions_, .sink = *ingest_,
                                                     .authenticator = authenticator_, .clock = clock, .metrics = *metrics_});
    ASSERT_TRUE(created) << created.error().message;
    broker_ = std::move(*created);
    files_->set_open(false);
  }
  void stop() {
    files_->set_open(true);
    for (auto& connection : connections_) connection->lose("the program is stopping");
    connections_.clear();
    broker_.reset();
    checkpointer_.reset();
    ingest_.reset();
    engine->stop();
    journal.reset();
    sessions_.reset();
    retained_.reset();
    rejected.reset();
    engine.reset();
    former_loops_.push_back(std::move(loop));
  }
  void cut_power() {
    auto survivor = store_->after_power_cut(random_);
    auto other_disk = disk_->after_power_cut(random_);
    stop();
    store_ = std::move(survivor);
    former_disks_.push_back(std::exchange(disk_, std::move(other_disk)));
    start();
  }
  void commit() {
    files_->set_open(true);
    ASSERT_TRUE(journal->wait_durable(journal->end()));
    files_->set_open(false);
  }
  void checkpoint() {
    files_->set_open(true);
    const auto done = checkpointer_->run_once();
    EXPECT_TRUE(done) << done.error().message;
    files_->set_open(false);
  }
  void step() {
    while (loop->run_some()) {}
  }
  void settle() {
    do {
      step();
      if (journal->durable() < journal->end()) commit();
      files_->set_open(true);
      sessions_->work();
      files_->set_open(false);
    } while (loop->run_some());
  }
  std::shared_ptr<FakeConnection> connect() {
    connections_.push_back(std::make_shared<FakeConnection>(*loop, broker_->make_handler(*loop)));
    connections_.back()->open();
    return connections_.back();
  }

  // Points of a measurement, by their value, and rejected messages, by the number in them: how often each is there.
  std::map<int64_t, int> stored(std::string_view measurement) {
    std::map<int64_t, int> result;
    const auto reader = engine->reader(engine->bucket("campanile", "").value()).value();
    const std::vector<tsdb::Series> all = reader->series(measurement, {}).value();
    for (const tsdb::Series& series : all) {
      const auto cursor = reader->column(series.id, "v", {}, tsdb::Order::kAscending).value();
      while (cursor->next().value()) {
        const tsdb::ColumnValues values = cursor->values().value();
        for (const int64_t value : values.integers) ++result[value];
      }
    }
    return result;
  }
  std::map<std::string, int> refused() {
    std::map<std::string, int> result;
    const RejectedPage page = rejected->list(100'000, 0).value();
    for (const RejectedMessage& message : page.messages) {
      const size_t from = message.payload.find_first_of("=-", message.payload.starts_with("r") ? message.payload.find("v=") : 0) + 1;
      ++result[message.payload.substr(from, message.payload.find_first_not_of("0123456789", from) - from)];
    }
    return result;
  }
  bool is_retained(std::string_view topic) const { return retained_->get(topic) != nullptr; }
  size_t wills() const { return sessions_->wills().size(); }

  ManualClock clock{1'700'000'000 * kNanosPerSecond};
  std::unique_ptr<FakeLoop> loop;
  std::unique_ptr<tsdb::Engine> engine;
  std::unique_ptr<RejectedStore> rejected;
  std::unique_ptr<journal::Journal> journal;

 private:
  Random random_;
  broker::BrokerOptions options_;
  broker::FakeAuthenticator authenticator_;
  std::unique_ptr<kv::FaultyStore> store_ = std::make_unique<kv::FaultyStore>();
  std::unique_ptr<journal::SimulatedDisk> disk_ = std::make_unique<journal::SimulatedDisk>();
  std::vector<std::unique_ptr<journal::SimulatedDisk>> former_disks_;
  std::unique_ptr<broker::GatedFiles> files_;
  std::vector<std::unique_ptr<FakeLoop>> former_loops_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<broker::RetainedStore> retained_;
  std::unique_ptr<broker::SessionStore> sessions_;
  std::unique_ptr<Ingest> ingest_;
  std::unique_ptr<journal::Checkpointer> checkpointer_;
  std::unique_ptr<broker::Broker> broker_;
  std::vector<std::shared_ptr<FakeConnection>> connections_;
};

// Two publishers, and a subscriber whose session is kept.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed), plant_(seed + 1) {}

  void run(int steps) {
    meet();
    subscriber_.subscribe("influx/#", 2);
    while (!subscriber_.subscribed) meet();
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) act();
    for (int round = 0; round < 200 && !(idle() && round > 5); ++round) meet();
    check();
  }

 private:
  void act() {
    plant_.clock.advance_ns(kNanosPerMilli);
    FaithfulClient& client = *clients_[random_.below(clients_.size())];
    const uint64_t choice = random_.below(100);
    if (choice < 45) {
      if (&client != &subscriber_ && client.outgoing.size() < 10) publish(client);
    } else if (choice < 65) {
      client.read(random_.below(3) == 0);
    } else if (choice < 77) {
      plant_.step();
    } else if (choice < 84) {
      plant_.settle();
    } else if (choice < 87) {
      client.drop();
    } else if (choice < 92) {
      if (!client.connection) client.connect(plant_.connect());
    } else if (choice < 94) {
      plant_.checkpoint();
    } else {
      plant_.cut_power();
      for (FaithfulClient* one : clients_) one->forget_connection();
    }
  }
  // Most are readings; some are refused, and of some a part is.
  void publish(FaithfulClient& client) {
    const std::string number = std::to_string(++published_);
    const uint64_t kind = random_.below(10);
    const std::string reading = "r,c=" + client.id + " v=" + number + "i";
    client.publish(2, kind == 0 ? "nonsense-" + number : kind <= 2 ? reading + "\nnonsense" : reading);
    if (kind > 0) ++stored_[static_cast<int64_t>(published_)];
    if (kind <= 2) ++refused_[number];
  }
  // Everybody is there and answers.
  void meet() {
    plant_.clock.advance_ns(kNanosPerMilli);
    for (FaithfulClient* client : clients_) {
      if (!client->connection) client->connect(plant_.connect());
    }
    plant_.settle();
    for (FaithfulClient* client : clients_) client->read(false);
  }
  bool idle() const {
    return std::ranges::all_of(clients_, [](const FaithfulClient* client) { return client->idle(); });
  }

  void check() {
    EXPECT_EQ(plant_.stored("r"), stored_) << "points, by their value";
    EXPECT_EQ(plant_.refused(), refused_) << "rejected messages, by the number in them";
    for (const FaithfulClient* client : clients_) {
      EXPECT_TRUE(client->outgoing.empty()) << client->id << " still waits for " << client->outgoing.size();
      for (const std::string& payload : client->exactly_once) EXPECT_EQ(subscriber_.got.count(payload), 1u) << payload;
    }
  }

  Random random_;
  Plant plant_;
  FaithfulClient p1_{"p1", "influx/p1"}, p2_{"p2", "influx/p2"}, subscriber_{"s", ""};
  const std::vector<FaithfulClient*> clients_{&p1_, &p2_, &subscriber_};
  int published_ = 0;
  std::map<int64_t, int> stored_;
  std::map<std::string, int> refused_;
};

// Devices that come with a will and go with or without a word, and a subscriber whose session is kept.
class WorldOfWills {
 public:
  explicit WorldOfWills(uint64_t seed) : random_(seed), plant_(seed + 1) {}

  void run(int steps) {
    meet();
    subscriber_.subscribe("influx/#", 2);
    while (!subscriber_.subscribed) meet();
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) act();
    plant_.cut_power();
    forget_connections();
    plant_.clock.advance_ns(2 * kDelayS * kNanosPerSecond);
    for (int round = 0; round < 200 && !(subscriber_.idle() && round > 5); ++round) {
      plant_.clock.advance_ns(2 * kNanosPerSecond);  // the loop looks for delayed wills once a second
      meet();
    }
    check();
  }

 private:
  static constexpr int64_t kDelayS = 5;
  enum class Kind { kClean, kKept, kDelayed };
  struct LeftWill {
    int number = 0;
    uint8_t qos = 0;
    bool retain = false;
    bool reading = false, refused = false;  // what becomes of it in the store
    std::string topic, payload;
    bool polite = false;     // its client took it back
    bool certain = true;     // whether it is published follows from what happened
    bool recorded = false;   // all that happened to it is on disk
  };
  struct Device {
    std::string id;
    Kind kind;
    std::shared_ptr<FakeConnection> connection;
    LeftWill* will = nullptr;  // of the connection, or delayed
  };

  void act() {
    plant_.clock.advance_ns(kNanosPerMilli);
    Device& device = devices_[random_.below(devices_.size())];
    const uint64_t choice = random_.below(100);
    if (choice < 30) {
      connect(device);
    } else if (choice < 45) {
      lose(device);
    } else if (choice < 55) {
      leave(device);
    } else if (choice < 63) {
      subscriber_.read(random_.below(3) == 0);
    } else if (choice < 75) {
      plant_.step();
    } else if (choice < 84) {
      settle();
    } else if (choice < 86) {
      plant_.clock.advance_ns(random_.below(2 * kDelayS) * kNanosPerSecond);
    } else if (choice < 88) {
      if (!subscriber_.connection) subscriber_.connect(plant_.connect());
    } else if (choice < 92) {
      plant_.checkpoint();
      settle();
    } else if (choice < 97) {
      plant_.cut_power();
      forget_connections();
    }
  }
  void settle() {
    plant_.settle();
    for (LeftWill& will : wills_) will.recorded = true;
  }
  // What is not on disk may be there or not.
  void forget_connections() {
    for (LeftWill& will : wills_) {
      if (!will.recorded) will.certain = false;
    }
    for (Device& device : devices_) device.connection.reset();
    subscriber_.forget_connection();
  }
  void meet() {
    plant_.clock.advance_ns(kNanosPerMilli);
    if (!subscriber_.connection) subscriber_.connect(plant_.connect());
    settle();
    subscriber_.read(false);
  }

  // Takes over where the device is connected already.
  void connect(Device& device) {
    if (device.will && device.kind == Kind::kDelayed) device.will->certain = false;  // back in time, or not
    const int number = static_cast<int>(wills_.size()) + 1;
    LeftWill& will = wills_.emplace_back();
    will.number = number;
    will.qos = static_cast<uint8_t>(random_.below(3));
    will.retain = random_.below(2) == 0;
    const uint64_t sort = random_.below(10);
    will.reading = sort > 0;
    will.refused = sort <= 2;
    const std::string reading = "r,c=" + device.id + " v=" + std::to_string(number) + "i";
    will.payload = sort == 0 ? "nonsense-" + std::to_string(number) : sort <= 2 ? reading + "\nnonsense" : reading;
    will.topic = "influx/w" + std::to_string(number);
    mqtt::OutgoingConnect connect{.version = device.kind == Kind::kDelayed ? mqtt::ProtocolVersion::kV5 : mqtt::ProtocolVersion::kV311,
                                  .clean_start = device.kind == Kind::kClean, .keep_alive_s = 0, .client_id = device.id};
    connect.will = mqtt::OutgoingWill{.topic = will.topic, .payload = will.payload, .qos = will.qos, .retain = will.retain};
    if (device.kind == Kind::kDelayed) {
      connect.properties.u32(mqtt::PropertyId::kSessionExpiryInterval, 1000);
      connect.will->properties.u32(mqtt::PropertyId::kWillDelayInterval, kDelayS);
    }
    device.connection = plant_.connect();
    device.will = &will;
    std::string packet;
    mqtt::encode_connect(packet, connect);
    device.connection->feed(packet);
  }
  void lose(Device& device) {
    if (!device.connection) return;
    device.connection->lose("connection reset");
    device.connection.reset();
    device.will->recorded = false;
  }
  void leave(Device& device) {
    if (!device.connection || device.connection->closing || device.connection->paused) return;
    std::string packet;
    mqtt::encode_disconnect(packet, device.kind == Kind::kDelayed ? mqtt::ProtocolVersion::kV5 : mqtt::ProtocolVersion::kV311, mqtt::ReasonCode::kSuccess);
    device.connection->feed(packet);
    device.connection.reset();
    device.will->polite = true;
    device.will->recorded = false;
    device.will = nullptr;
  }

  void check() {
    const auto stored = plant_.stored("r");
    const auto refused = plant_.refused();
    int published = 0;
    for (const LeftWill& will : wills_) {
      const std::string number = std::to_string(will.number);
      SCOPED_TRACE("will " + number + (will.polite ? ", taken back" : ""));
      const int times = will.reading ? at(stored, int64_t{will.number}) : at(refused, number);
      EXPECT_LE(times, 1);
      if (will.certain) {
        EXPECT_EQ(times, will.polite ? 0 : 1);
      }
      EXPECT_EQ(at(refused, number), will.refused ? times : 0);
      EXPECT_EQ(plant_.is_retained(will.topic), will.retain && times > 0);
      const size_t got = subscriber_.got.count(will.payload);
      if (will.qos == 1) {
        EXPECT_GE(got, static_cast<size_t>(times)) << "it may go out before it is on disk, and again then";
      } else {
        EXPECT_EQ(got, will.qos == 2 ? static_cast<size_t>(times) : 0u);
      }
      published += times;
    }
    EXPECT_GT(published, 0);
    EXPECT_EQ(plant_.wills(), 0u);
  }
  template <typename Map, typename Key>
  static int at(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
  }

  Random random_;
  Plant plant_;
  std::vector<Device> devices_{{"d1", Kind::kClean}, {"d2", Kind::kKept}, {"d3", Kind::kDelayed}, {"d4", Kind::kDelayed}};
  FaithfulClient subscriber_{"s", ""};
  std::deque<LeftWill> wills_;
};

template <typename AnyWorld>
void run_worlds(uint64_t rounds, int steps) {
  const char* given = std::getenv("CAMPANILE_SEED");
  const uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  if (given) rounds = 1;
  for (uint64_t seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE("CAMPANILE_SEED=" + std::to_string(seed));
    AnyWorld(seed).run(steps);
    if (testing::Test::HasFailure()) {
      std::printf("CAMPANILE_SEED=%llu\n", static_cast<unsigned long long>(seed));
      return;
    }
  }
}

TEST(ExactlyOnce, AReadingOfQos2IsStoredOnceWheneverThePowerIsCut) { run_worlds<World>(60, 400); }

TEST(ExactlyOnce, AWillIsPublishedOnceWheneverThePowerIsCut) { run_worlds<WorldOfWills>(60, 400); }

}  // namespace
}  // namespace campanile::ingest
