// What a publisher says with QoS 2 is kept once, as a point, as a rejected message, or as both, whenever the power is cut and the publisher
// repeats what it has no answer to. Broker, ingest and engine as the program has them, over a disk of the test; seeds are printed.
#include <gtest/gtest.h>

#include <cstdlib>
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
    std::map<int64_t, int> stored;
    const auto reader = plant_.engine->reader(plant_.engine->bucket("campanile", "").value()).value();
    const std::vector<tsdb::Series> all = reader->series("r", {}).value();
    for (const tsdb::Series& series : all) {
      const auto cursor = reader->column(series.id, "v", {}, tsdb::Order::kAscending).value();
      while (cursor->next().value()) {
        const tsdb::ColumnValues values = cursor->values().value();
        for (const int64_t value : values.integers) ++stored[value];
      }
    }
    EXPECT_EQ(stored, stored_) << "points, by their value";
    std::map<std::string, int> refused;
    const RejectedPage page = plant_.rejected->list(100'000, 0).value();
    for (const RejectedMessage& message : page.messages) {
      const size_t from = message.payload.find_first_of("=-", message.payload.starts_with("r") ? message.payload.find("v=") : 0) + 1;
      ++refused[message.payload.substr(from, message.payload.find_first_not_of("0123456789", from) - from)];
    }
    EXPECT_EQ(refused, refused_) << "rejected messages, by the number in them";
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

TEST(ExactlyOnce, AReadingOfQos2IsStoredOnceWheneverThePowerIsCut) {
  const char* given = std::getenv("CAMPANILE_SEED");
  const uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  const uint64_t rounds = given ? 1 : 60;
  for (uint64_t seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE("CAMPANILE_SEED=" + std::to_string(seed));
    World(seed).run(400);
    if (HasFailure()) {
      std::printf("CAMPANILE_SEED=%llu\n", static_cast<unsigned long long>(seed));
      return;
    }
  }
}

}  // namespace
}  // namespace campanile::ingest
