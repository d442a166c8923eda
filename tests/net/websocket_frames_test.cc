#include "net/websocket_frames.h"

#include <gtest/gtest.h>

#include <vector>

namespace campanile::net {
namespace {

using Kind = WebSocketReader::Kind;

std::string masked(int first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  if (payload.size() <= 125) {
    frame += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() <= 0xffff) {
    frame += static_cast<char>(0x80 | 126);
    for (int shift = 8; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift);
  } else {
    frame += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift);
  }
  const std::string mask = "\x12\xff\x34\x81";
  frame += mask;
  for (size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

struct Seen {
  Kind kind;
  std::string text;
  uint16_t code;
  bool operator==(const Seen&) const = default;
};

// Feeds `wire` in pieces; the events, up to a failure.
std::vector<Seen> read_all(std::string_view wire, size_t piece_bytes, size_t message_bytes_max = 100'000) {
  WebSocketReader reader(message_bytes_max);
  std::vector<Seen> seen;
  std::string kept;
  for (size_t at = 0; at < wire.size(); at += piece_bytes) {
    kept += wire.substr(at, piece_bytes);
    for (;;) {
      size_t used = 0;
      const auto event = reader.next(kept, used);
      kept.erase(0, used);
      if (event.kind == Kind::kNeedMore) break;
      seen.push_back({event.kind, std::string(event.kind == Kind::kFailed ? "" : event.text), event.code});
      if (event.kind == Kind::kFailed) return seen;
    }
  }
  return seen;
}

TEST(WebSocketReader, ReadsMessagesCutAnywhere) {
  const std::string medium(300, 'm');
  const std::string wire = masked(0x81, "hello") + masked(0x89, "are you there") + masked(0x01, "one ") +
                           masked(0x00, "") + masked(0x8a, "") + masked(0x80, "two") + masked(0x81, medium) +
                           masked(0x81, "") + masked(0x88, std::string("\x03\xe8", 2) + "bye");
  const std::vector<Seen> expected = {{Kind::kText, "hello", 0},  {Kind::kPing, "are you there", 0},
                                      {Kind::kPong, "", 0},       {Kind::kText, "one two", 0},
                                      {Kind::kText, medium, 0},   {Kind::kText, "", 0},
                                      {Kind::kClose, "bye", 1000}};
  for (size_t piece = 1; piece <= wire.size(); piece += piece < 20 ? 1 : 37)
    EXPECT_EQ(read_all(wire, piece), expected) << piece;
}

TEST(WebSocketReader, ReadsLongMessages) {
  const std::string text(90'000, 'x');
  EXPECT_EQ(read_all(masked(0x81, text), 8192), (std::vector<Seen>{{Kind::kText, text, 0}}));
}

TEST(WebSocketReader, LimitsAMessageByWhatIsAnnounced) {
  const std::string text(101, 'x');
  EXPECT_EQ(read_all(masked(0x81, text).substr(0, 3), 10, 100).size(), 1u);
  EXPECT_EQ(read_all(masked(0x81, text), 10, 100)[0].code, kCloseTooBig);
  EXPECT_EQ(read_all(masked(0x81, text.substr(1)), 10, 100)[0].kind, Kind::kText);
  EXPECT_EQ(read_all(masked(0x01, text.substr(50)) + masked(0x80, text.substr(51)), 10, 100)[0].code, kCloseTooBig);
  const std::string announced = std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
  EXPECT_EQ(read_all(announced, 10, 100)[0].code, kCloseTooBig);
}

TEST(WebSocketReader, FailsOnWhatTheStandardForbids) {
  const std::pair<std::string, uint16_t> cases[] = {
      {std::string("\x81\x02hi", 4), kCloseProtocolError},           // not masked
      {masked(0xc1, "hi"), kCloseProtocolError},                     // RSV1: no extension was agreed on
      {masked(0x80, "hi"), kCloseProtocolError},                     // a continuation of nothing
      {masked(0x01, "a") + masked(0x81, "b"), kCloseProtocolError},  // a message inside another
      {masked(0x83, ""), kCloseProtocolError},                       // unknown opcodes
      {masked(0x8b, ""), kCloseProtocolError},
      {masked(0x09, "fragmented ping"), kCloseProtocolError},
      {masked(0x89, std::string(126, 'x')), kCloseProtocolError},
      {masked(0x88, "x"), kCloseProtocolError},                         // half a close code
      {masked(0x88, std::string("\x03\xed", 2)), kCloseProtocolError},  // 1005 is never sent
      {masked(0x88, std::string("\x03\xe8\xff", 3)), kCloseInvalidPayload},
      {masked(0x81, "\xc3"), kCloseInvalidPayload},
      {masked(0x01, "\xc3") + masked(0x80, "x"), kCloseInvalidPayload},
      {masked(0x82, "binary"), kCloseUnsupportedData},
      {std::string("\x81\xfe\x00\x05", 4), kCloseProtocolError},  // five bytes in the long form
  };
  for (const auto& [wire, code] : cases) {
    const auto seen = read_all(wire, 1);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back().kind, Kind::kFailed);
    EXPECT_EQ(seen.back().code, code);
  }
  // A character cut between two fragments is whole in the message.
  EXPECT_EQ(read_all(masked(0x01, "\xc3") + masked(0x80, "\xa9"), 100), (std::vector<Seen>{{Kind::kText, "é", 0}}));
}

TEST(WebSocketFrames, WritesEachLengthInItsShortestForm) {
  for (const auto& [size, header] : {std::pair<size_t, size_t>{0, 2}, {125, 2}, {126, 4}, {65'535, 4}, {65'536, 10}}) {
    std::string frame;
    append_websocket_frame(frame, WebSocketOpcode::kText, std::string(size, 'x'));
    EXPECT_EQ(frame.size(), size + header);
    EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x81);
  }
}

TEST(WebSocketFrames, CutsALongReasonBetweenCharacters) {
  std::string reason(122, 'x');
  reason += "éé";
  const std::string frame = websocket_close_frame(1000, reason);
  EXPECT_EQ(frame.size(), 2u + 2 + 122);
}

TEST(WebSocketFrames, AnswersTheKeyOfTheStandard) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455 section 1.3
}

}  // namespace
}  // namespace campanile::net
