// What InfluxDB 1.6.7 answers in MessagePack, byte for byte.
#include "query/languages/influxql/msgpack_text.h"

#include <gtest/gtest.h>

#include "influx.h"
#include "memory_engine.h"

namespace campanile::query {
namespace {

using testing::influx;
using testing::InfluxOptions;
using testing::MemoryEngine;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

struct Recorded {
  const char* query;
  bool in_seconds;
  uint64_t chunk_rows;
  const char* answer;
};

constexpr Recorded kRecorded[] = {
    {"SELECT x, n, s, b FROM m", false, 0,
     "81a7726573756c74739182ac73746174656d656e745f696400a67365726965739183a46e616d65a16da7636f6c756d6e7395a474696d65a178a16ea173a162a676616c7565739595c70c05"
     "fffffffffffffffe1dcd6500c0ffc0c095c70c05000000000000000a00000000cb3ff800000000000003a26f6bc395c70c05000000000000001400000001cbc004000000000000d1ff38d9"
     "2878787878787878787878787878787878787878787878787878787878787878787878787878787878c295c70c05000000000000001e00000000c0d200011170c0c095c70c050000000000"
     "00002800000000c0d3fffffffed5fa0e00c0c0"},
    {"SELECT n FROM m GROUP BY h", true, 0,
     "81a7726573756c74739182ac73746174656d656e745f696400a67365726965739384a46e616d65a16da47461677381a168a161a7636f6c756d6e7392a474696d65a16ea676616c75657392"
     "920a039214d1ff3884a46e616d65a16da47461677381a168a162a7636f6c756d6e7392a474696d65a16ea676616c75657391921ed20001117084a46e616d65a16da47461677381a168a163"
     "a7636f6c756d6e7392a474696d65a16ea676616c7565739292ffff9228d3fffffffed5fa0e00"},
    {"SELECT nope(x) FROM m", false, 0,
     "81a7726573756c74739181a56572726f72b9756e646566696e65642066756e6374696f6e206e6f70652829"},
    {"SHOW TAG VALUES WITH KEY = h; SELECT n FROM nothing", false, 0,
     "81a7726573756c74739282ac73746174656d656e745f696400a67365726965739183a46e616d65a16da7636f6c756d6e7392a36b6579a576616c7565a676616c7565739392a168a16192a1"
     "68a16292a168a16382ac73746174656d656e745f696401a673657269657390"},
    {"SELECT n FROM m", true, 2,
     "81a7726573756c74739183ac73746174656d656e745f696400a67365726965739184a46e616d65a16da7636f6c756d6e7392a474696d65a16ea676616c7565739292ffff920a03a7706172"
     "7469616cc3a77061727469616cc381a7726573756c74739183ac73746174656d656e745f696400a67365726965739184a46e616d65a16da7636f6c756d6e7392a474696d65a16ea676616c"
     "756573929214d1ff38921ed200011170a77061727469616cc3a77061727469616cc381a7726573756c74739182ac73746174656d656e745f696400a67365726965739183a46e616d65a16d"
     "a7636f6c756d6e7392a474696d65a16ea676616c756573919228d3fffffffed5fa0e00"},
    {"SELECT", false, 0,
     "81a56572726f72d95b6572726f722070617273696e672071756572793a20666f756e6420454f462c206578706563746564206964656e7469666965722c20737472696e672c206e756d6265"
     "722c20626f6f6c206174206c696e6520312c20636861722038"},
};

TEST(MsgpackResponse, IsInfluxDbs) {
  MemoryEngine engine(10);
  engine.load("db0",
              "m,h=a x=1.5,n=3i,s=\"ok\",b=true 10000000000\n"
              "m,h=a x=-2.5,n=-200i,s=\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",b=false 20000000001\n"
              "m,h=b n=70000i 30000000000\n"
              "m,h=c n=-5000000000i 40000000000\n"
              "m,h=c n=-1i -1500000000\n");
  for (const Recorded& each : kRecorded) {
    InfluxOptions options{.format = influxql::Format::kMessagePack, .response = {}};
    if (each.in_seconds) options.response.epoch_ns = 1'000'000'000;
    options.response.chunk_rows = each.chunk_rows;
    EXPECT_EQ(hex(influx(engine, each.query, options)), each.answer) << each.query;
  }
}

TEST(MsgpackText, WritesCountsAndNumbersOfEverySize) {
  const auto written = [](const auto& write) {
    influxql::MsgpackText text;
    write(text);
    return hex(text.take());
  };
  EXPECT_EQ(written([](auto& text) { text.array(15); text.array(16); text.array(70'000); }), "9fdc0010dd00011170");
  EXPECT_EQ(written([](auto& text) { text.map(15); text.map(16); }), "8fde0010");
  EXPECT_EQ(written([](auto& text) { text.integer(127); text.integer(128); text.integer(-32); text.integer(-33); }), "7fd10080e0d0df");
  EXPECT_EQ(written([](auto& text) { text.integer(INT64_MIN); }), "d38000000000000000");
  EXPECT_EQ(written([](auto& text) { text.value(FieldValue::of_unsigned(UINT64_MAX)); }), "cfffffffffffffffff");
  EXPECT_EQ(written([](auto& text) { text.time(-1); }), "c70c05ffffffffffffffff3b9ac9ff");
  EXPECT_EQ(written([](auto& text) { text.string(std::string(300, 'a')); }).substr(0, 6), "da012c");
}

}  // namespace
}  // namespace campanile::query
