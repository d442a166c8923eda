// What it costs to pack and unpack a value of each kind of column, in blocks as the store writes them. bytes_per_value is a counter of each line.
//
//   codec_bench --benchmark_filter=floats

#include <benchmark/benchmark.h>

#include "base/random.h"
#include "codec/booleans.h"
#include "codec/floats.h"
#include "codec/integers.h"
#include "codec/timestamps.h"

namespace campanile::codec {
namespace {

constexpr size_t kValues = 1024;

std::vector<double> decimals(int step_max) {
  Random random(1);
  std::vector<double> out;
  int64_t digits = 2000;
  for (size_t i = 0; i < kValues; ++i) {
    digits += random.between(-step_max, step_max);
    out.push_back(static_cast<double>(digits) / 100);
  }
  return out;
}

std::vector<double> full_precision() {
  Random random(2);
  std::vector<double> out;
  for (size_t i = 0; i < kValues; ++i) out.push_back(20 + random.unit());
  return out;
}

std::vector<int64_t> counter() {
  Random random(3);
  std::vector<int64_t> out = {1'000'000};
  while (out.size() < kValues) out.push_back(out.back() + random.between(0, 30));
  return out;
}

std::vector<int64_t> times(int64_t jitter_ns) {
  Random random(4);
  std::vector<int64_t> out;
  for (size_t i = 0; i < kValues; ++i) {
    out.push_back(1'700'000'000'000'000'000 + static_cast<int64_t>(i) * 10'000'000'000 + random.between(0, jitter_ns) / 1'000'000 * 1'000'000);
  }
  return out;
}

template <typename T, typename Encode>
void encode(benchmark::State& state, const std::vector<T>& values, Encode function) {
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    function(std::span<const T>(values), bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * values.size()));
  state.counters["bytes_per_value"] = static_cast<double>(bytes.size()) / static_cast<double>(values.size());
}

template <typename T, typename Encode, typename Decode>
void decode(benchmark::State& state, const std::vector<T>& values, Encode encode_function, Decode decode_function) {
  std::string bytes;
  encode_function(std::span<const T>(values), bytes);
  std::vector<T> back(values.size());
  for (auto _ : state) {
    ByteReader in(bytes);
    benchmark::DoNotOptimize(decode_function(in, std::span<T>(back)));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * values.size()));
}

#define CODEC_BENCH(name, values, kind)                                                                        \
  void encode_##name(benchmark::State& state) { encode(state, values, encode_##kind); }                        \
  void decode_##name(benchmark::State& state) { decode(state, values, encode_##kind, decode_##kind); }         \
  BENCHMARK(encode_##name);                                                                                    \
  BENCHMARK(decode_##name)

CODEC_BENCH(floats_two_decimals_201_steps, decimals(100), floats);
CODEC_BENCH(floats_two_decimals_21_steps, decimals(10), floats);
CODEC_BENCH(floats_full_precision, full_precision(), floats);
CODEC_BENCH(integers_counter, counter(), integers);
CODEC_BENCH(timestamps_regular, times(0), timestamps);
CODEC_BENCH(timestamps_jitter_100ms, times(100'000'000), timestamps);

}  // namespace
}  // namespace campanile::codec
