// What a point costs in the engine: written (lookup, journal record, head), sealed (encode, store), read back by header and by value.
// The journal is one that only counts, the store is in memory: this measures the engine, not the disk.
//
//   tsdb_bench --benchmark_filter=write

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>

#include "base/random.h"
#include "kv/store.h"
#include "tsdb/engine.h"

namespace campanile::tsdb {
namespace {

class CountingJournal final : public journal::Journal {
 public:
  Result<journal::Lsn> append(journal::RecordType, std::string_view head, std::string_view tail) override { return end_ += 16 + head.size() + tail.size(); }
  Result<journal::Lsn> append_together(std::span<const journal::NewRecord> records) override { return end_ += 16 * records.size(); }
  journal::Lsn durable() const override { return end_; }
  journal::Lsn end() const override { return end_; }
  journal::JournalStatus status() const override { return {.end = end_, .durable = end_}; }
  void add_listener(journal::CommitListener) override {}
  Result<void> wait_durable(journal::Lsn) override { return {}; }
  Result<void> truncate_before(journal::Lsn) override { return {}; }
  Result<std::unique_ptr<journal::SegmentHold>> hold_segments() override { return fail(ErrorCode::kUnsupported, "a journal without files"); }

 private:
  std::atomic<journal::Lsn> end_{0};
};

constexpr int64_t kStart = 1'700'000'000 * kNanosPerSecond;
constexpr size_t kSeries = 1000;

struct Site {
  Site() {
    engine->start(journal);
    (void)engine->create_database("bench");
    bucket = engine->bucket("bench", "").value();
    for (size_t i = 0; i < kSeries; ++i) {
      keys.push_back("sensors,location=ecotype-" + std::to_string(i / 8) + ",sensor=ecotype-" + std::to_string(i / 8) + "_pdu-Z1." + std::to_string(i) +
                     ",sensor_type=wattmeter,unit=W");
    }
  }
  ~Site() { engine->stop(); }

  // One point of every series, as decoders give them: with the key, without copying.
  const PointBatch& next(size_t fields) {
    static constexpr std::array<std::string_view, 7> kNames = {"latitude", "longitude", "elevation", "velocity", "heading", "grade", "fuel_consumption"};
    values.resize(kSeries * fields, 2000);
    batch.clear();
    for (size_t i = 0; i < kSeries; ++i) {
      batch.begin_point("sensors");
      for (size_t f = 0; f < fields; ++f) {
        int64_t& digits = values[i * fields + f];
        digits += random.between(-100, 100);
        batch.add_field(fields == 1 ? "value" : kNames[f], FieldValue::of_float(static_cast<double>(digits) / 100));
      }
      batch.set_time(kStart + step * 10 * kNanosPerSecond);
      batch.set_series_key(keys[i]);
      batch.end_point();
    }
    ++step;
    return batch;
  }

  std::unique_ptr<kv::Store> store = kv::make_memory_store();
  CountingJournal journal;
  SystemClock clock;
  std::unique_ptr<Engine> engine = Engine::open({}, *store, clock).value();
  BucketId bucket = 0;
  std::vector<std::string> keys;
  std::vector<int64_t> values;
  PointBatch batch;
  Random random{1};
  int64_t step = 0;
};

void write_points(benchmark::State& state) {
  const auto fields = static_cast<size_t>(state.range(0));
  Site site;
  for (auto _ : state) {
    state.PauseTiming();
    const PointBatch& batch = site.next(fields);
    // Full heads are sealed here and not by the thread, so that what is timed is the writer alone.
    if (site.step % 1000 == 0) (void)site.engine->seal_all();
    state.ResumeTiming();
    benchmark::DoNotOptimize(site.engine->write(site.bucket, batch, kStart));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kSeries));
}
BENCHMARK(write_points)->Arg(1)->Arg(7)->Iterations(2000);

void seal_points(benchmark::State& state) {
  const auto fields = static_cast<size_t>(state.range(0));
  Site site;
  constexpr int kPoints = 1000;
  for (auto _ : state) {
    state.PauseTiming();
    for (int i = 0; i < kPoints; ++i) (void)site.engine->write(site.bucket, site.next(fields), kStart);
    state.ResumeTiming();
    (void)site.engine->seal_all();
  }
  const double values = static_cast<double>(state.iterations()) * kSeries * kPoints * static_cast<double>(fields);
  state.SetItemsProcessed(static_cast<int64_t>(values));
  state.counters["bytes_per_value"] = static_cast<double>(site.store->disk_bytes()) / values;
}
BENCHMARK(seal_points)->Arg(1)->Arg(7)->Iterations(2)->Unit(benchmark::kMillisecond);

// Walks a million points of a thousand series: by header alone, or with all values decoded and added up.
void scan(benchmark::State& state) {
  const bool decodes = state.range(0) != 0;
  Site site;
  for (int i = 0; i < 1000; ++i) (void)site.engine->write(site.bucket, site.next(1), kStart);
  (void)site.engine->seal_all();
  for (auto _ : state) {
    const auto reader = site.engine->reader(site.bucket).value();
    const auto series = reader->series("sensors", {}).value();
    double sum = 0;
    for (const Series& one : series) {
      const auto cursor = reader->column(one.id, "value", {}, Order::kAscending).value();
      while (cursor->next().value()) {
        if (!decodes) {
          sum += cursor->statistics().sum;
          continue;
        }
        const auto values = cursor->values().value();
        for (const double value : values.floats) sum += value;
      }
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 1'000'000);
}
BENCHMARK(scan)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void last_value(benchmark::State& state) {
  Site site;
  for (int i = 0; i < 100; ++i) (void)site.engine->write(site.bucket, site.next(1), kStart);
  (void)site.engine->seal_all();
  const auto reader = site.engine->reader(site.bucket).value();
  SeriesId series = 0;
  for (auto _ : state) benchmark::DoNotOptimize(reader->last(1 + series++ % kSeries, "value"));
}
BENCHMARK(last_value);

}  // namespace
}  // namespace campanile::tsdb
