// Nanoseconds a line of line protocol and a message of each decoder.
//
//   cmake -DCAMPANILE_BENCH=ON …; decoders_bench
//
// items_per_second counts lines or messages.

#include <benchmark/benchmark.h>

#include <string>

#include "base/random.h"
#include "decoders/decoder.h"
#include "decoders/line_protocol/line_protocol.h"

namespace campanile::decoders {
namespace {

constexpr int kLines = 5000;

std::string decimal(Random& random) { return std::to_string(random.below(1000)) + "." + std::to_string(random.below(100)); }

void run_lines(benchmark::State& state, const std::string& body) {
  PointBatch batch;
  LineErrors errors;
  for (auto _ : state) {
    batch.clear();
    parse_lines(body, {}, batch, errors);
    benchmark::DoNotOptimize(batch.points().data());
  }
  if (batch.size() != kLines || errors.total != 0) state.SkipWithError("lines were lost");
  state.SetItemsProcessed(state.iterations() * kLines);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
}

void LineOfOneField(benchmark::State& state) {
  Random random(1);
  std::string body;
  for (int i = 0; i < kLines; ++i) {
    body += "sensors,location=ecotype-" + std::to_string(random.below(48)) + ",sensor=pdu-Z1." + std::to_string(random.below(50)) +
            ",unit=W value=" + decimal(random) + " 17000000000000" + std::to_string(10000 + i) + "\n";
  }
  run_lines(state, body);
}
BENCHMARK(LineOfOneField);

void LineOfSevenFields(benchmark::State& state) {
  Random random(2);
  std::string body;
  for (int i = 0; i < kLines; ++i) {
    body += "cpu,cpu=cpu" + std::to_string(random.below(8)) + ",host=irit" + std::to_string(random.below(100)) + " ";
    for (const char* name : {"usage_idle", "usage_user", "usage_system", "usage_iowait", "usage_irq", "usage_nice"}) body += std::string(name) + "=" + decimal(random) + ",";
    body += "uptime=" + std::to_string(random.below(1'000'000)) + "i 17000000000000" + std::to_string(10000 + i) + "\n";
  }
  run_lines(state, body);
}
BENCHMARK(LineOfSevenFields);

void LineWithTagsOutOfOrder(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < kLines; ++i) body += "m,zone=a,host=b\\ c,area=d text=\"say \\\"hi\\\"\",v=1.5 1700000000000000000\n";
  run_lines(state, body);
}
BENCHMARK(LineWithTagsOutOfOrder);

void run_message(benchmark::State& state, std::string_view decoder, std::string_view payload) {
  const Tag tags[] = {{"building", "u4"}, {"kind", "temperature"}, {"room", "302"}};
  PointBatch batch;
  for (auto _ : state) {
    batch.clear();
    const auto decoded = find_decoder(decoder)->decode({.topic = "u4/302/temperature", .payload = payload, .measurement = "data", .tags = tags}, batch);
    if (!decoded) state.SkipWithError(decoded.error().message.c_str());
  }
  state.SetItemsProcessed(state.iterations());
}

void NeocampusMessage(benchmark::State& state) {
  run_message(state, "neocampus", R"({"value":21.375,"value_units":"celsius","subID":"24","unitID":"auto_92f8"})");
}
BENCHMARK(NeocampusMessage);

void JsonMessage(benchmark::State& state) { run_message(state, "json", R"({"hydrogen":81.2,"oxygen":40,"wd40":12.5,"gaffer":3})"); }
BENCHMARK(JsonMessage);

void ValueMessage(benchmark::State& state) { run_message(state, "value", "21.5"); }
BENCHMARK(ValueMessage);

}  // namespace
}  // namespace campanile::decoders
