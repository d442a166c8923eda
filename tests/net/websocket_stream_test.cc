#include "net/websocket_stream.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace campanile::net {
namespace {

using namespace std::string_literals;
using Kind = WebSocketStreamReader::Kind;

// A client's frame: masked.
std::string frame(unsigned first, std::string_view payload, std::string_view mask = "\x01\x82\x43\xc4") {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() <= 0xffff) {
    out += '\xfe';
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  } else {
    out += '\xff';
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift & 0xff);
  }
  out += mask;
  for (size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

// What the reader makes of the wire in pieces of that size: data as it is, the rest in words.
std::string read(std::string_view wire, size_t piece_bytes, size_t space_bytes = 200) {
  WebSocketStreamReader reader;
  std::vector<char> space(space_bytes);
  std::string out, kept;
  for (size_t at = 0; at < wire.size(); at += piece_bytes) {
    kept += wire.substr(at, piece_bytes);
    for (;;) {
      size_t used = 0;
      const auto event = reader.next(kept, used, space);
      if (event.kind == Kind::kData) out += event.bytes;
      if (event.kind == Kind::kPing) out += fmt::format("[ping {}]", event.bytes);
      if (event.kind == Kind::kClose) out += fmt::format("[close {}]", event.code);
      if (event.kind == Kind::kFailed) return out + fmt::format("[{} {}]", event.code, event.bytes);
      kept.erase(0, used);
      if (event.kind == Kind::kNeedMore) break;
    }
  }
  return out;
}

TEST(WebSocketStream, FramesAreAStreamWhateverTheirBorders) {
  const std::string wire = frame(0x82, "abc") + frame(0x02, "de") + frame(0x89, "p") + frame(0x00, "") + frame(0x80, "f") + frame(0x8a, "pong") +
                           frame(0x82, std::string(300, 'x')) + frame(0x82, std::string(70'000, 'y')) + frame(0x88, "\x03\xe8");
  const std::string expected = "abcde[ping p]f" + std::string(300, 'x') + std::string(70'000, 'y') + "[close 1000]";
  for (const size_t piece : {1ul, 2ul, 3ul, 7ul, 100ul, 4096ul, wire.size()}) EXPECT_TRUE(read(wire, piece) == expected) << piece;
}

TEST(WebSocketStream, AnyCutGivesTheSame) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  std::string wire, expected;
  for (int i = 0; i < 200; ++i) {
    std::string payload(random() % 400, '\0');
    for (char& c : payload) c = static_cast<char>(random());
    const uint32_t mask = static_cast<uint32_t>(random());
    wire += frame(0x82, payload, {reinterpret_cast<const char*>(&mask), 4});
    expected += payload;
  }
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(read(wire, 1 + random() % 900, 125 + random() % 500) == expected);
}

// [MQTT-6.0.0-1]
TEST(WebSocketStream, TextIsRefused) { EXPECT_EQ(read(frame(0x82, "a") + frame(0x81, "text"), 100), "a[1003 MQTT travels in binary frames]"); }

TEST(WebSocketStream, BreachesOfTheProtocolAreRefused) {
  EXPECT_EQ(read("\x82\x03"s + "abc", 100), "[1002 a client's frames must be masked]");
  EXPECT_EQ(read(frame(0xc2, "a"), 100), "[1002 a reserved bit is set]");
  EXPECT_EQ(read(frame(0x80, "a"), 100), "[1002 a continuation of nothing]");
  EXPECT_EQ(read(frame(0x02, "a") + frame(0x82, "b"), 100), "a[1002 a new message inside another]");
  EXPECT_EQ(read(frame(0x83, "a"), 100), "[1002 an unknown opcode]");
  EXPECT_EQ(read(frame(0x8b, "a"), 100), "[1002 an unknown opcode]");
  EXPECT_EQ(read(frame(0x09, "a"), 100), "[1002 a control frame is fragmented or over 125 bytes]");
  EXPECT_EQ(read(frame(0x88, "x"), 100), "[1002 half a close code]");
  EXPECT_EQ(read(frame(0x88, "\x03\xed"), 100), "[1002 a close code that must not be sent]");
  EXPECT_EQ(read("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"s + "mask", 100), "[1002 a length with its highest bit set]");
  EXPECT_EQ(read("\x82\xfe\x00\x05"s + "maskhello", 100), "[1002 a length is not in its shortest form]");
  EXPECT_EQ(read(frame(0x88, ""), 100), "[close 0]");
}

}  // namespace
}  // namespace campanile::net
