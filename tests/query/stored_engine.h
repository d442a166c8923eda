// StoredEngine: the engine that the program runs, over a store and a journal in memory.
#pragma once

#include <memory>
#include <string_view>

#include "../tsdb/fake_journal.h"
#include "base/clock.h"
#include "decoders/decoder.h"
#include "kv/store.h"
#include "tsdb/engine.h"

namespace campanile::query::testing {

class StoredEngine {
 public:
  explicit StoredEngine(uint32_t chunk_points_max = 4) {
    engine_ = std::move(*tsdb::Engine::open({.chunk_points_max = chunk_points_max}, *store_, clock_));
    engine_->start(journal_);
  }
  ~StoredEngine() { engine_->stop(); }

  tsdb::Engine& engine() { return *engine_; }

  // Line protocol with a time on every line. Aborts on bad input: it is the test's own.
  void load(std::string_view database, std::string_view lines, std::string_view retention_policy = "") {
    PointBatch batch;
    const auto decoded = decoders::find_decoder("line_protocol")->decode({.topic = {}, .payload = lines}, batch);
    CHECK(decoded && decoded->left_out.empty());
    CHECK(engine_->create_database(database));
    const auto outcome = engine_->write(*engine_->bucket(database, retention_policy), batch, 0);
    CHECK(outcome && outcome->errors.empty());
  }

 private:
  std::unique_ptr<kv::Store> store_ = kv::make_memory_store();
  tsdb::FakeJournal journal_;
  ManualClock clock_{1'700'000'000'000'000'000};
  std::unique_ptr<tsdb::Engine> engine_;
};

}  // namespace campanile::query::testing
