// Lives of a store on a machine whose disk fails, fills up and loses power at any file operation, and whose clock is set back: what was acknowledged is
// there afterwards, and so is everything that was in the journal before it; nothing is there that was not written, and every value has its type.
// A failure prints the seed; CAMPANILE_SEED runs that one alone and takes the same path, CAMPANILE_SEEDS runs that many.

#include <array>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <functional>

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/random.h"
#include "simulated_machine.h"

namespace campanile::tsdb {
namespace {

constexpr int64_t kShort = 2 * 3600 * kSecond;

using Columns = std::map<std::string, OwnedColumn>;       // by field
using SeriesColumns = std::map<std::string, Columns>;     // by series
using Contents = std::map<std::string, SeriesColumns>;    // by database and policy: campus.autogen

// A record of the journal, as far as anybody could see it.
struct Operation {
  std::string what;
  journal::Lsn lsn = 0;
  std::function<void(Contents&)> apply;
};

struct ModelPoint {
  std::string series;
  std::string field;
  int64_t time_ns;
  OwnedValue value;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed), machine_(random_.next(), engine_options(), {.segment_bytes = 4096 + random_.below(8000), .gather_us = 0}) {}

  void run() {
    const uint64_t lives = 2 + random_.below(4);
    for (uint64_t life = 0; life < lives; ++life) {
      SCOPED_TRACE("life " + std::to_string(life));
      if (!random_.one_in(4)) machine_.cut_power_within(1 + random_.below(250), 1 + random_.below(60));
      ASSERT_NO_FATAL_FAILURE(begin_life());
      for (uint64_t step = random_.below(60); step > 0 && !machine_.is_cut(); --step) {
        ASSERT_NO_FATAL_FAILURE(take_step());
        acknowledge();
      }
      end_life();
    }
    SCOPED_TRACE("the last life");
    ASSERT_NO_FATAL_FAILURE(begin_life());
    ASSERT_NO_FATAL_FAILURE(compare());
  }

 private:
  EngineOptions engine_options() {
    return {.head_bytes_max = random_.one_in(3) ? 16'000 + random_.below(100'000) : 64ull << 20,
            .chunk_points_max = static_cast<uint32_t>(2 + random_.below(60)),
            .correction_chunks_max = static_cast<uint32_t>(1 + random_.below(6))};
  }

  void begin_life() {
    is_faulty_ = random_.one_in(4);
    if (is_faulty_) machine_.break_something();
    if (auto started = machine_.start(); !started) {
      ASSERT_TRUE(is_faulty_) << started.error().message;
      machine_.stop();
      is_faulty_ = false;
      started = machine_.start();
      ASSERT_TRUE(started) << "with the disk as it should be: " << started.error().message;
    }
    if (machine_.is_cut()) return;
    ASSERT_NO_FATAL_FAILURE(heal());
    if (machine_.is_cut()) return;
    const Contents found = read();
    ASSERT_FALSE(testing::Test::HasFailure());
    ASSERT_TRUE(adopt(found)) << describe(found);
  }

  // The power goes, with what was said since it went forgotten; or the program is killed, which takes nothing that the system has.
  void end_life() {
    if (machine_.is_cut() || random_.one_in(2)) {
      machine_.lose_power();
    } else {
      machine_.stop();
    }
  }

  void take_step() {
    if (machine_.engine->databases().empty()) return create_database("campus");
    switch (random_.below(26)) {
      case 0: return may_fail(machine_.engine->seal_all());
      case 1: return may_fail(machine_.checkpointer->run_once());
      case 2: return may_fail(machine_.engine->merge_small_chunks());
      case 3: return erase();
      case 4: return correct();
      case 5:
      case 24:
      case 25: return change_databases();
      case 6: return move_clock();
      case 7:
        is_faulty_ = true;
        return machine_.break_something();
      case 8: return heal();
      case 9: return is_faulty_ ? heal() : compare();
      case 10: return write_of_the_wrong_type();
      case 11:
      case 12: return may_fail(machine_.engine->sealer().work());
      case 13:
      case 14:
      case 15: return may_fail(machine_.journal->wait_durable(machine_.journal->end()));
      default: return write();
    }
  }

  template <typename T>
  void may_fail(const Result<T>& result) {
    ASSERT_TRUE(result || is_faulty_) << result.error().message;
  }

  // The fault has gone: everything goes on by itself, without a new start.
  void heal() {
    machine_.heal();
    const auto synced = machine_.journal->wait_durable(machine_.journal->end());
    ASSERT_TRUE(synced) << "the disk works again: " << synced.error().message;
    const auto worked = machine_.engine->sealer().work();
    ASSERT_TRUE(worked) << "the disk works again: " << worked.error().message;
    // What is in the journal and could not be done in the store is done by the next pass.
    if (std::exchange(is_faulty_, false)) {
      ASSERT_TRUE(machine_.engine->seal_all());
    }
  }

  // What a call has done, where it left its record in the journal.
  class Taking {
   public:
    Taking(Simulation& simulation, journal::RecordType type) : simulation_(simulation), type_(type), before_(simulation.machine_.journal->taken(type)) {}
    void note(std::string what, std::function<void(Contents&)> apply) {
      if (simulation_.machine_.journal->taken(type_) == before_) return;
      simulation_.operations_.push_back({std::move(what), simulation_.machine_.journal->end(), std::move(apply)});
    }

   private:
    Simulation& simulation_;
    const journal::RecordType type_;
    const uint64_t before_;
  };

  void acknowledge() {
    if (machine_.is_cut()) return;
    while (acknowledged_ < operations_.size() && operations_[acknowledged_].lsn <= machine_.journal->durable()) ++acknowledged_;
  }

  std::string pick_bucket() {
    const auto databases = machine_.engine->databases();
    if (databases.empty()) return {};
    const std::string& database = databases[random_.below(databases.size())];
    const auto policies = machine_.engine->retention_policies(database).value();
    return database + "." + policies[random_.below(policies.size())].name;
  }
  BucketId id_of(const std::string& bucket) const {
    const size_t dot = bucket.find('.');
    return machine_.engine->bucket(bucket.substr(0, dot), bucket.substr(dot + 1)).value();
  }

  int64_t time() {
    const int64_t now_ns = machine_.clock.now_ns();
    return random_.one_in(4) ? now_ns - random_.between(0, 900) * kSecond : now_ns + random_.between(0, 20) * kSecond;
  }

  void write() {
    const std::string bucket = pick_bucket();
    if (bucket.empty()) return;
    texts_.clear();
    names_.clear();
    Points points;
    std::vector<std::vector<ModelPoint>> made;  // by point
    for (uint64_t count = 1 + random_.below(16); count > 0; --count) {
      names_.push_back(std::to_string(random_.below(4)));
      const int64_t time_ns = time();
      std::vector<Field> fields;
      std::vector<ModelPoint> model;
      for (uint64_t k = 1 + random_.below(3); k > 0; --k) {
        const size_t which = random_.below(kFieldNames.size());
        fields.push_back({kFieldNames[which], random_value(random_, kFieldTypes[which], texts_)});
        model.push_back({"data,n=" + names_.back(), std::string(kFieldNames[which]), time_ns, owned(fields.back().value)});
      }
      points.add("data", {{"n", names_.back()}}, fields, time_ns);
      made.push_back(std::move(model));
    }
    Taking taking(*this, journal::RecordType::kPoints);
    const auto outcome = machine_.engine->write(id_of(bucket), points.batch, machine_.clock.now_ns());
    if (!outcome && outcome.error().code == ErrorCode::kOverloaded) return may_fail(machine_.engine->sealer().work());
    ASSERT_TRUE(outcome || is_faulty_) << outcome.error().message;
    if (!outcome) return;
    for (const PointError& refused : outcome->errors) {
      ASSERT_TRUE(is_faulty_ || refused.error.message == "points beyond retention policy") << refused.error.message;
      made[refused.point].clear();
    }
    taking.note("write to " + bucket, [bucket, made = std::move(made)](Contents& contents) {
      for (const auto& point : made) {
        for (const ModelPoint& one : point) contents[bucket][one.series][one.field][one.time_ns] = one.value;
      }
    });
  }

  // A field that has values keeps its type, whatever happened meanwhile.
  void write_of_the_wrong_type() {
    const std::string bucket = pick_bucket();
    if (bucket.empty() || is_faulty_) return;
    const Contents now = expected();
    const size_t which = random_.below(kFieldNames.size());
    const auto columns = now.find(bucket);
    const bool is_known = columns != now.end() && std::ranges::any_of(columns->second, [&](const auto& series) { return series.second.contains(std::string(kFieldNames[which])); });
    if (!is_known) return;
    Points points;
    points.add("data", {{"n", "0"}}, {{kFieldNames[which], kFieldTypes[which] == FieldType::kString ? FieldValue::of_float(1) : FieldValue::of_string("wrong")}}, machine_.clock.now_ns());
    const auto outcome = machine_.engine->write(id_of(bucket), points.batch, machine_.clock.now_ns());
    ASSERT_TRUE(outcome) << outcome.error().message;
    ASSERT_EQ(outcome->errors.size(), 1u);
    EXPECT_EQ(outcome->errors[0].error.code, ErrorCode::kTypeConflict) << outcome->errors[0].error.message;
  }

  TimeRange range() {
    if (random_.one_in(3)) return {};
    const int64_t from = machine_.clock.now_ns() - random_.between(-100, 1500) * kSecond;
    return {from, from + random_.between(0, 1000) * kSecond};
  }

  static void for_each(Contents& contents, const std::string& bucket, const std::string& series, TimeRange range, const std::function<void(Columns&, TimeRange)>& change) {
    const auto found = contents.find(bucket);
    if (found == contents.end()) return;
    for (auto& [key, columns] : found->second) {
      if (series.empty() || key == series) change(columns, range);
    }
  }

  PointSelection selection(std::string& series) {
    PointSelection points{.measurements = {}, .predicate = {}, .range = range()};
    if (random_.one_in(2)) {
      const std::string name = std::to_string(random_.below(4));
      series = "data,n=" + name;
      points.predicate = {.kind = TagPredicate::Kind::kEqual, .key = "n", .value = name, .pattern = nullptr, .children = {}};
    }
    return points;
  }

  void erase() {
    const std::string bucket = pick_bucket();
    if (bucket.empty()) return;
    std::string series;
    const PointSelection points = selection(series);
    Taking taking(*this, journal::RecordType::kErase);
    may_fail(machine_.engine->erase(id_of(bucket), points));
    taking.note("erase from " + bucket, [bucket, series, range = points.range](Contents& contents) {
      for_each(contents, bucket, series, range, [](Columns& columns, TimeRange wanted) {
        for (auto& [field, rows] : columns) rows.erase(rows.lower_bound(wanted.from_ns), rows.upper_bound(wanted.to_ns));
      });
    });
  }

  // Not those that a retention policy may take away at any moment: a correction looks at what is there.
  void correct() {
    std::string bucket = pick_bucket();
    if (!bucket.ends_with(".autogen")) return;
    std::string series;
    const bool is_constant = random_.one_in(2);
    const size_t which = is_constant ? random_.below(kFieldNames.size()) : 0;
    texts_.clear();
    const FieldValue constant = random_value(random_, kFieldTypes[which], texts_);
    const double factor = std::array{-1.0, 0.5, 2.0, 1.02, 0.0}[random_.below(5)];
    const CorrectionRequest request{.points = selection(series),
                                    .field = std::string(kFieldNames[which]),
                                    .correction = is_constant ? Correction::set(constant) : Correction::scale(factor, 1.5)};
    Taking taking(*this, journal::RecordType::kCorrect);
    const auto corrected = machine_.engine->correct(id_of(bucket), request);
    ASSERT_TRUE(corrected || is_faulty_ || corrected.error().code == ErrorCode::kNotFound) << corrected.error().message;
    taking.note("correct " + request.field + " of " + bucket, [bucket, series, range = request.points.range, field = request.field, is_constant, constant = owned(constant), factor](Contents& contents) {
           for_each(contents, bucket, series, range, [&](Columns& columns, TimeRange wanted) {
             const auto found = columns.find(field);
             if (found == columns.end()) return;
             for (auto row = found->second.lower_bound(wanted.from_ns); row != found->second.end() && row->first <= wanted.to_ns; ++row) {
               row->second = is_constant ? constant : OwnedValue(std::fma(std::get<double>(row->second), factor, 1.5));
             }
           });
         });
  }

  void change_databases() {
    const std::string name = random_.one_in(3) ? "lab" : "campus";
    Taking taking(*this, journal::RecordType::kDatabase);
    if (random_.one_in(3)) {
      may_fail(machine_.engine->drop_database(name));
      taking.note("drop " + name, [name](Contents& contents) { std::erase_if(contents, [&](const auto& bucket) { return bucket.first.starts_with(name + "."); }); });
    } else if (random_.one_in(2)) {
      const auto made = machine_.engine->create_retention_policy(name, {.name = "short", .duration_ns = kShort});
      ASSERT_TRUE(made || is_faulty_ || made.error().code == ErrorCode::kNotFound) << made.error().message;
      taking.note("policy of " + name, [name](Contents& contents) { contents[name + ".short"]; });
    } else {
      create_database(name);
    }
  }

  void create_database(const std::string& name) {
    Taking taking(*this, journal::RecordType::kDatabase);
    may_fail(machine_.engine->create_database(name));
    taking.note("create " + name, [name](Contents& contents) { contents[name + ".autogen"]; });
  }

  void move_clock() {
    if (random_.one_in(3)) {
      machine_.clock.set_now_ns(machine_.clock.now_ns() - random_.between(0, 3 * 3600) * kSecond);
    } else {
      machine_.clock.advance_ns(random_.between(1, random_.one_in(4) ? 3600 : 30) * kSecond);
    }
    latest_ns_ = std::max(latest_ns_, machine_.clock.now_ns());
  }

  Contents expected() const {
    Contents contents = base_;
    for (const Operation& operation : operations_) operation.apply(contents);
    return prune(std::move(contents));
  }

  // Without what a retention policy may have let go of by now, and without what is empty.
  Contents prune(Contents contents) const {
    for (auto& [bucket, all] : contents) {
      for (auto& [series, columns] : all) {
        for (auto& [field, rows] : columns) {
          if (bucket.ends_with(".short")) rows.erase(rows.begin(), rows.lower_bound(latest_ns_ - kShort));
        }
        std::erase_if(columns, [](const auto& column) { return column.second.empty(); });
      }
      std::erase_if(all, [](const auto& series) { return series.second.empty(); });
    }
    return contents;
  }

  Contents read() const {
    Contents contents;
    for (const std::string& database : machine_.engine->databases()) {
      const auto policies = machine_.engine->retention_policies(database).value();
      for (const RetentionPolicy& policy : policies) {
        SeriesColumns& all = contents[database + "." + policy.name];
        const auto reader = machine_.engine->reader(machine_.engine->bucket(database, policy.name).value()).value();
        const std::vector<Series> found = reader->series("data", {}).value();
        for (const Series& series : found) {
          for (const std::string_view field : kFieldNames) {
            if (reader->has_field(series.id, field)) all[series_key(*series.name)][std::string(field)] = read_column(*reader, series.id, field);
          }
        }
      }
    }
    return prune(std::move(contents));
  }

  void compare() {
    if (machine_.is_cut()) return;
    const Contents found = read();
    ASSERT_FALSE(testing::Test::HasFailure());
    ASSERT_TRUE(found == expected()) << describe(found);
  }

  // After a start: the first of the operations are there, all those that were acknowledged among them, and nothing else.
  bool adopt(const Contents& found) {
    Contents contents = base_;
    for (size_t count = 0;; ++count) {
      if (count >= acknowledged_ && prune(contents) == found) {
        base_ = std::move(contents);
        operations_.clear();
        acknowledged_ = 0;
        return true;
      }
      if (count == operations_.size()) return false;
      operations_[count].apply(contents);
    }
  }

  // Where what was found differs from all that was written.
  std::string describe(const Contents& found) const {
    std::string out = std::to_string(acknowledged_) + " of " + std::to_string(operations_.size()) + " operations were acknowledged:\n";
    for (const Operation& operation : operations_) out += "  " + operation.what + "\n";
    const Contents wanted = expected();
    std::map<std::string, std::array<const OwnedColumn*, 2>> columns;
    for (const auto& [side, contents] : {std::pair(0, &wanted), std::pair(1, &found)}) {
      for (const auto& [bucket, all] : *contents) {
        columns[bucket];
        out += (side == 0 ? "written: " : "found: ") + bucket + "\n";
        for (const auto& [series, fields] : all) {
          for (const auto& [field, rows] : fields) columns[bucket + " " + series + " " + field][side] = &rows;
        }
      }
    }
    for (const auto& [name, sides] : columns) {
      const size_t written = sides[0] ? sides[0]->size() : 0;
      const size_t there = sides[1] ? sides[1]->size() : 0;
      if (written != there || (sides[0] && *sides[0] != *sides[1])) out += name + ": " + std::to_string(written) + " written, " + std::to_string(there) + " found\n";
    }
    return out;
  }

  Random random_;
  SimulatedMachine machine_;
  Contents base_;                      // what was there when the life began
  std::vector<Operation> operations_;  // since then, in the order of the journal
  size_t acknowledged_ = 0;            // the first so many of them
  bool is_faulty_ = false;
  int64_t latest_ns_ = kNow;
  std::deque<std::string> texts_;
  std::deque<std::string> names_;
};

// Sanitizers make a run take many times as long.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSeeds = 200;
#else
constexpr uint64_t kSeeds = 3000;
#endif

TEST(Simulation, WhatWasAcknowledgedIsThereAndNothingElse) {
  log::set_level(log::Level::kOff);
  const char* const one = std::getenv("CAMPANILE_SEED");
  const char* const many = std::getenv("CAMPANILE_SEEDS");
  const uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t count = one ? 1 : many ? std::strtoull(many, nullptr, 10) : kSeeds;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("replay it with CAMPANILE_SEED=" + std::to_string(seed));
    Simulation(seed).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace campanile::tsdb
