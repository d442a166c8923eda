// Random histories against a model: writes in and out of order, erasures, corrections, seals, checkpoints, crashes, power cuts, failing disks; every range of every
// column must read as a std::map would. CAMPANILE_SEED runs one seed alone, CAMPANILE_SEEDS that many.

#include <array>
#include <cmath>
#include <cstdlib>
#include <deque>

#include <gtest/gtest.h>

#include "base/random.h"
#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

struct ModelColumn {
  FieldType type;
  OwnedColumn rows;
};
using Model = std::map<std::string, std::map<std::string, ModelColumn>>;  // series key -> field -> rows

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), h_(options(random_)), bucket_(h_.bucket()) {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      switch (random_.below(20)) {
        case 0: ASSERT_TRUE(h_.engine->seal_all()); break;
        case 1: h_.crash(); break;
        case 2: h_.checkpoint(); break;
        case 3: ASSERT_TRUE(h_.engine->sealer().relieve(random_.below(20'000))); break;
        case 4: check(); break;
        case 5: h_.cut_power(random_); break;
        case 6: seal_on_a_failing_disk(); break;
        case 7: erase(); break;
        case 8: erase_on_a_failing_disk(); break;
        case 9: correct(); break;
        case 10: correct_on_a_failing_disk(); break;
        default: write(); break;
      }
    }
    check();
    h_.crash();
    check();
  }

 private:
  static EngineOptions options(Random& random) {
    return {.chunk_points_max = static_cast<uint32_t>(2 + random.below(100)), .correction_chunks_max = static_cast<uint32_t>(1 + random.below(6))};
  }

  int64_t time() {
    if (random_.one_in(8)) return now_ - random_.between(0, 400) * kSecond;  // late
    if (random_.one_in(200)) return random_.between(kTimeMin, kTimeMax);
    if (!random_.one_in(6)) now_ += random_.one_in(3) ? random_.between(1, 5 * kSecond) : kSecond;
    return now_;
  }

  void write() {
    texts_.clear();
    Points points;
    const uint64_t count = 1 + random_.below(60);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t series = random_.below(4);
      const uint64_t fields = 1 + random_.below(4);
      const int64_t time_ns = time();
      names_.resize(4);
      names_[series] = std::to_string(series);
      std::vector<Field> made;
      auto& model = model_["data,n=" + names_[series]];
      for (uint64_t k = 0; k < fields; ++k) {
        const size_t which = random_.below(5);
        made.push_back({kFieldNames[which], random_value(random_, kFieldTypes[which], texts_)});
        ModelColumn& column = model[std::string(kFieldNames[which])];
        column.type = kFieldTypes[which];
        column.rows[time_ns] = owned(made.back().value);
      }
      points.add("data", {{"n", names_[series]}}, made, time_ns);
    }
    const WriteOutcome outcome = h_.write(bucket_, points.batch);
    ASSERT_TRUE(outcome.errors.empty()) << outcome.errors[0].error.message;
  }

  void seal_on_a_failing_disk() {
    h_.store->fail_writes({ErrorCode::kIoError, "no space left on device"}, random_.below(5));
    (void)h_.engine->checkpoint();  // must answer truly: where it fails the journal is kept
    h_.store->heal();
  }

  // Erases the range from some of the series, in the model too.
  PointSelection erasure() {
    PointSelection request{.measurements = {}, .predicate = {}, .range = random_.one_in(3) ? TimeRange{} : range()};
    const bool one = random_.one_in(2);
    const std::string name = std::to_string(random_.below(4));
    if (one) request.predicate = {.kind = TagPredicate::Kind::kEqual, .key = "n", .value = name, .pattern = nullptr, .children = {}};
    for (auto& [key, fields] : model_) {
      if (one && key != "data,n=" + name) continue;
      for (auto& [field, column] : fields) {
        column.rows.erase(column.rows.lower_bound(request.range.from_ns), column.rows.upper_bound(request.range.to_ns));
      }
    }
    return request;
  }

  void erase() {
    uint64_t before = 0;
    uint64_t after = 0;
    for (const auto& [key, fields] : model_) {
      for (const auto& [field, column] : fields) before += column.rows.size();
    }
    const PointSelection request = erasure();
    for (const auto& [key, fields] : model_) {
      for (const auto& [field, column] : fields) after += column.rows.size();
    }
    const auto erased = h_.engine->erase(bucket_, request);
    ASSERT_TRUE(erased) << erased.error().message;
    // Chunks that overlap count a value once for each chunk that had it.
    ASSERT_GE(erased->values, before - after);
    ASSERT_EQ(erased->damaged_chunks, 0u);
  }

  // Once it is in the journal it will be done, whatever the disk says now.
  void erase_on_a_failing_disk() {
    h_.store->fail_writes({ErrorCode::kIoError, "no space left on device"}, random_.below(3));
    const size_t records = h_.journal.records().size();
    Model before = model_;
    const auto erased = h_.engine->erase(bucket_, erasure());
    if (h_.journal.records().size() == records) model_ = std::move(before);
    h_.store->heal();
    // Readers see it when the next pass has been.
    if (!erased) {
      ASSERT_TRUE(h_.engine->seal_all());
    }
  }

  // A correction of some of the series, with the values that it is to lead to.
  struct Corrected {
    CorrectionRequest request;
    Model model;
    uint64_t values = 0;
    bool is_known = false;  // the field
    bool fits = true;       // every value has a result
  };

  static std::optional<OwnedValue> scaled(const OwnedValue& value, double factor, double offset) {
    if (const auto* const number = std::get_if<double>(&value)) return std::fma(*number, factor, offset);
    const auto* const whole = std::get_if<int64_t>(&value);
    const long double result = std::round((whole ? static_cast<long double>(*whole) : static_cast<long double>(std::get<uint64_t>(value))) * factor + offset);
    if (whole) return result >= -0x1p63L && result < 0x1p63L ? std::optional<OwnedValue>(static_cast<int64_t>(result)) : std::nullopt;
    return result >= 0 && result < 0x1p64L ? std::optional<OwnedValue>(static_cast<uint64_t>(result)) : std::nullopt;
  }

  Corrected correction() {
    Corrected made{.request = {}, .model = model_};
    const size_t which = random_.below(5);
    made.request.points.range = random_.one_in(3) ? TimeRange{} : range();
    made.request.field = kFieldNames[which];
    const bool one = random_.one_in(2);
    const std::string name = std::to_string(random_.below(4));
    if (one) made.request.points.predicate = {.kind = TagPredicate::Kind::kEqual, .key = "n", .value = name, .pattern = nullptr, .children = {}};
    const double factor = std::array{1.0, -1.0, 0.5, 2.0, 1.02, 0.0}[random_.below(6)];
    const double offset = random_.one_in(2) ? 0.0 : static_cast<double>(random_.between(-20, 20)) / 2;
    const bool is_constant = which > 2 || random_.one_in(4);
    const FieldValue constant = random_value(random_, kFieldTypes[which], texts_);
    made.request.correction = is_constant ? Correction::set(constant) : Correction::scale(factor, offset);
    for (auto& [key, fields] : made.model) {
      const auto column = fields.find(made.request.field);
      if (column == fields.end()) continue;
      made.is_known = true;
      if (one && key != "data,n=" + name) continue;
      auto& rows = column->second.rows;
      const TimeRange& wanted = made.request.points.range;
      for (auto row = rows.lower_bound(wanted.from_ns); row != rows.end() && row->first <= wanted.to_ns; ++row) {
        const auto result = is_constant ? std::optional(owned(constant)) : scaled(row->second, factor, offset);
        ++made.values;
        made.fits &= result.has_value();
        if (result) row->second = *result;
      }
    }
    return made;
  }

  void correct() {
    const Corrected wanted = correction();
    const auto would = h_.engine->check_correction(bucket_, wanted.request);
    const auto corrected = h_.engine->correct(bucket_, wanted.request);
    ASSERT_EQ(would.has_value(), wanted.is_known && wanted.fits) << (would ? "" : would.error().message);
    ASSERT_EQ(corrected.has_value(), would.has_value()) << (corrected ? "" : corrected.error().message);
    if (!corrected) {
      ASSERT_EQ(corrected.error().code, wanted.is_known ? ErrorCode::kInvalidArgument : ErrorCode::kNotFound);
      return;
    }
    ASSERT_EQ(would->values, wanted.values);
    // Chunks that overlap count a value once for each chunk that had it, and one of them that was written again may have had no result.
    ASSERT_GE(corrected->values + corrected->values_left, wanted.values);
    ASSERT_EQ(corrected->damaged_chunks, 0u);
    model_ = wanted.model;
  }

  // Once it is in the journal it will be done, and once, wherever the disk refused and whatever comes next.
  void correct_on_a_failing_disk() {
    const Corrected wanted = correction();
    h_.store->fail_writes({ErrorCode::kIoError, "no space left on device"}, random_.below(6));
    const size_t records = h_.journal.records().size();
    const auto corrected = h_.engine->correct(bucket_, wanted.request);
    if (h_.journal.records().size() != records) model_ = wanted.model;
    if (random_.one_in(2)) (void)h_.engine->seal_all();
    h_.store->heal();
    if (corrected) return;
    // Readers see it when the next pass has been, or the next start.
    switch (random_.below(3)) {
      case 0: h_.crash(); break;
      case 1: h_.cut_power(random_); break;
      default: ASSERT_TRUE(h_.engine->seal_all());
    }
  }

  TimeRange range() {
    if (random_.one_in(3)) return {};
    const int64_t from = now_ - random_.between(-100, 3000) * kSecond;
    return {from, from + random_.between(0, 2000) * kSecond};
  }

  void check() {
    const auto reader = h_.reader(bucket_);
    const auto all = reader->series("data", {}).value();
    std::map<std::string, Series> found;
    for (const Series& series : all) found.emplace(series_key(*series.name), series);
    ASSERT_EQ(found.size(), all.size());
    for (const auto& [key, series] : found) ASSERT_TRUE(model_.contains(key)) << key;
    for (const auto& [key, fields] : model_) {
      const bool has_rows = std::ranges::any_of(fields, [](const auto& field) { return !field.second.rows.empty(); });
      // A series that lost all its points leaves the index at some later pass.
      if (!has_rows && !found.contains(key)) continue;
      ASSERT_TRUE(found.contains(key)) << key;
      const Series& series = found.at(key);
      for (const auto& [field, column] : fields) {
        ASSERT_TRUE(column.rows.empty() || reader->has_field(series.id, field));
        for (int round = 0; round < 3; ++round) {
          const TimeRange wanted = range();
          const Order order = random_.one_in(2) ? Order::kAscending : Order::kDescending;
          const OwnedColumn expected(column.rows.lower_bound(wanted.from_ns), column.rows.upper_bound(wanted.to_ns));
          ASSERT_EQ(read_column(*reader, series.id, field, wanted, order), expected)
              << key << " " << field << " from " << wanted.from_ns << " to " << wanted.to_ns << (order == Order::kAscending ? " ascending" : " descending");
        }
        const auto last = reader->last(series.id, field).value();
        ASSERT_EQ(last.has_value(), !column.rows.empty()) << key << " " << field;
        if (!last) continue;
        ASSERT_TRUE(last);
        ASSERT_EQ(last->time_ns, column.rows.rbegin()->first);
        const OwnedValue got = column.type == FieldType::kString ? OwnedValue(last->text) : owned(last->value);
        ASSERT_EQ(got, column.rows.rbegin()->second);
      }
    }
  }

  Random random_;
  EngineHarness h_;
  BucketId bucket_;
  Model model_;
  int64_t now_ = kNow;
  std::vector<std::string> names_;
  std::deque<std::string> texts_;
};

// The thread sanitizer makes a history take seconds.
#ifdef __SANITIZE_THREAD__
constexpr uint64_t kSeeds = 8;
#else
constexpr uint64_t kSeeds = 60;
#endif

TEST(EngineModel, RandomHistoriesReadAsAMapDoes) {
  const char* const one = std::getenv("CAMPANILE_SEED");
  const char* const many = std::getenv("CAMPANILE_SEEDS");
  const uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t count = one ? 1 : many ? std::strtoull(many, nullptr, 10) : kSeeds;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History(seed).run(60);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace campanile::tsdb
