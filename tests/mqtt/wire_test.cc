#include "mqtt/wire.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace campanile::mqtt {
namespace {

using namespace std::string_view_literals;

TEST(IsValidString, FollowsTheRulesOfMqttStrings) {
  EXPECT_TRUE(is_valid_string(""));
  EXPECT_TRUE(is_valid_string("building/room302/temperature"));
  EXPECT_TRUE(is_valid_string("b\xC3\xA2timent"));
  EXPECT_TRUE(is_valid_string("\xEF\xBB\xBFx")) << "[MQTT-1.5.4-3]: U+FEFF is a character like others";
  EXPECT_FALSE(is_valid_string("a\0b"sv)) << "[MQTT-1.5.4-2]";
  EXPECT_FALSE(is_valid_string("12345678\0"sv));
  EXPECT_FALSE(is_valid_string("1234567\0abcdefgh"sv));
  EXPECT_FALSE(is_valid_string("\xC3\xA2\0"sv));
  EXPECT_FALSE(is_valid_string("\xED\xA0\x80")) << "[MQTT-1.5.4-1]: a surrogate";
  EXPECT_FALSE(is_valid_string("\xC0\x80")) << "overlong";
  EXPECT_FALSE(is_valid_string("abcdefgh\xFF"));
}

TEST(IsValidString, FindsABadByteAtEveryPlace) {
  for (size_t size = 1; size < 40; ++size) {
    for (size_t place = 0; place < size; ++place) {
      std::string text(size, 'x');
      text[place] = '\0';
      EXPECT_FALSE(is_valid_string(text)) << size << " " << place;
      text[place] = '\xFE';
      EXPECT_FALSE(is_valid_string(text)) << size << " " << place;
    }
  }
}

// Table 1-1 of the standard.
TEST(Varint, HasTheBoundariesOfTheStandard) {
  const std::pair<uint32_t, std::string_view> cases[] = {
      {0, "\x00"sv}, {127, "\x7F"sv}, {128, "\x80\x01"sv}, {16383, "\xFF\x7F"sv}, {16384, "\x80\x80\x01"sv},
      {2097151, "\xFF\xFF\x7F"sv}, {2097152, "\x80\x80\x80\x01"sv}, {268435455, "\xFF\xFF\xFF\x7F"sv}};
  for (const auto& [value, bytes] : cases) {
    std::string out;
    put_varint(out, value);
    EXPECT_EQ(out, bytes);
    EXPECT_EQ(varint_size(value), bytes.size());
    Reader in(bytes);
    EXPECT_EQ(in.varint(), value);
    EXPECT_TRUE(in.empty() && !in.failed());
  }
}

TEST(Varint, RefusesFiveBytesLongFormsAndEnds) {
  for (const std::string_view bytes : {"\xFF\xFF\xFF\xFF\x7F"sv, "\x80\x00"sv, "\x80"sv, ""sv}) {
    Reader in(bytes);
    in.varint();
    EXPECT_TRUE(in.failed());
    EXPECT_EQ(in.violation().reason, ReasonCode::kMalformedPacket);
  }
}

TEST(Reader, KeepsTheFirstViolationAndGivesNothingAfterIt) {
  Reader in("\x00\x05"
            "ab"sv);
  EXPECT_EQ(in.string(), "");
  EXPECT_TRUE(in.failed());
  in.fail(ReasonCode::kTopicNameInvalid, "later");
  EXPECT_EQ(in.violation().reason, ReasonCode::kMalformedPacket);
  EXPECT_EQ(in.u8(), 0);
  EXPECT_EQ(in.u32(), 0u);
  EXPECT_TRUE(in.rest().empty());
}

TEST(NextFrame, WaitsForTheWholePacket) {
  const std::string_view packet = "\x30\x05\x00\x01"
                                  "axy"sv;
  for (size_t size = 0; size < packet.size(); ++size) {
    const auto frame = next_frame(packet.substr(0, size), 100);
    ASSERT_TRUE(frame.has_value());
    EXPECT_FALSE(frame->has_value()) << size;
  }
  const std::string with_more = std::string(packet) + "\xC0";
  const auto frame = next_frame(with_more, 100);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->type, PacketType::kPublish);
  EXPECT_EQ((*frame)->size, 7u);
  EXPECT_EQ((*frame)->body, packet.substr(2));
}

TEST(NextFrame, RefusesALargePacketByItsHeaderAlone) {
  const auto frame = next_frame("\x30\x80\x80\x80\x01"sv, 1 << 20);
  ASSERT_FALSE(frame.has_value());
  EXPECT_EQ(frame.error().reason, ReasonCode::kPacketTooLarge);
  EXPECT_TRUE(next_frame("\x30\x62"sv, 100).has_value());
  EXPECT_FALSE(next_frame("\x30\x63"sv, 100).has_value());
}

// Table 2-2: [MQTT-2.1.3-1].
TEST(NextFrame, RefusesReservedFlagsAndTypes) {
  for (int first = 0; first < 256; ++first) {
    const std::string bytes{static_cast<char>(first), 0};
    const int type = first >> 4;
    const int wanted = type == 6 || type == 8 || type == 10 ? 2 : 0;
    const bool good = type == 3 || (type != 0 && (first & 15) == wanted);
    EXPECT_EQ(next_frame(bytes, 100).has_value(), good) << first;
  }
}

TEST(NextFrame, RefusesBadRemainingLengths) {
  EXPECT_FALSE(next_frame("\xC0\x80\x00"sv, 100).has_value());
  EXPECT_FALSE(next_frame("\xC0\xFF\xFF\xFF\xFF"sv, SIZE_MAX).has_value());
}

TEST(CountPackets, GoesFromHeaderToHeader) {
  EXPECT_EQ(count_packets(""), 0u);
  EXPECT_EQ(count_packets(std::string_view("\xd0\0\x40\2\0\1\xd0\0", 8)), 3u);
  const std::string large = std::string("\x30\x80\1", 3) + std::string(128, 'x');
  EXPECT_EQ(count_packets(large + large), 2u);
}

}  // namespace
}  // namespace campanile::mqtt
