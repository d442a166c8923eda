#include "app/client/message_format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "mqtt/properties.h"

namespace campanile::app::client {
namespace {

// The expected texts of this file were printed by mosquitto_sub 2.0.11 for the same messages.
class MessageFormatTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
  static std::string formatted(std::string_view format, const FormattedMessage& message) {
    EXPECT_TRUE(check_format(format)) << format;
    const auto text = format_message(format, message, 1'795'254'173'778'510'093);
    return text ? *text : "error: " + text.error().message;
  }

  const FormattedMessage message_{.topic = "f/abcdef", .payload = R"({"a":1.5, "b":"x"})", .qos = 1, .retain = true, .packet_id = 1};
};

TEST_F(MessageFormatTest, PrintsTheMessagesParts) {
  EXPECT_EQ(formatted("%t|%p|%l|%m|%q|%r|%%", message_), R"(f/abcdef|{"a":1.5, "b":"x"}|18|1|1|1|%)");
  EXPECT_EQ(formatted("%x|%X", {.payload = "q\"\xff"}), "7122ff|7122FF");
  EXPECT_EQ(formatted("%p", {.payload = std::string_view("a\0b", 3)}), std::string("a\0b", 3));
  EXPECT_EQ(formatted("", message_), "");
}

TEST_F(MessageFormatTest, WidthsPadAndPrecisionsCut) {
  EXPECT_EQ(formatted("%10t|%-10t|%3.3t|%010l|%-010l|%05m|%5q|%20t", message_), "  f/abcdef|f/abcdef  |f/a|0000000018|18        |00001|1|            f/abcdef");
  EXPECT_EQ(formatted("%.2p", message_), std::string(message_.payload)) << "a payload is never cut";
  EXPECT_EQ(formatted("%6p|%-6p|%06x", {.payload = "ab"}), "    ab|ab    |006162");
}

TEST_F(MessageFormatTest, PrintsTimes) {
  EXPECT_EQ(formatted("%I|%U|@Y-@m-@d @H:@M:@S|@N|@@", message_), "2026-11-21T09:42:53+0000|1795254173.778510093|2026-11-21 09:42:53|778510093|@");
}

TEST_F(MessageFormatTest, PrintsEscapes) { EXPECT_EQ(formatted(R"(\\|\0|\a|\e|\n|\r|\t|\v)", message_), std::string("\\|\0|\a|\033|\n|\r|\t|\v", 15)); }

TEST_F(MessageFormatTest, PrintsJson) {
  EXPECT_EQ(formatted("%j", message_),
            R"({"tst":"2026-11-21T09:42:53.778510Z+0000","topic":"f/abcdef","qos":1,"retain":1,"payloadlen":18,"mid":1,"payload":"{\"a\":1.5, \"b\":\"x\"}"})");
  EXPECT_EQ(formatted("%J", message_),
            R"({"tst":"2026-11-21T09:42:53.778510Z+0000","topic":"f/abcdef","qos":1,"retain":1,"payloadlen":18,"mid":1,"payload":{"a":1.5,"b":"x"}})");
  EXPECT_EQ(formatted("%j", {.topic = "f", .payload = "q\"\\\t\x01\xc3\xa9"}),
            R"({"tst":"2026-11-21T09:42:53.778510Z+0000","topic":"f","qos":0,"retain":0,"payloadlen":7,"payload":"q\"\\\t\u0001é"})");
  EXPECT_EQ(formatted("%J", {.topic = "f"}), R"({"tst":"2026-11-21T09:42:53.778510Z+0000","topic":"f","qos":0,"retain":0,"payloadlen":0,"payload":null})");
  EXPECT_EQ(formatted("%J", {.topic = "f/b", .payload = "q"}), "error: Message payload is not valid JSON on topic f/b.");
}

TEST_F(MessageFormatTest, MinifiedJsonKeepsWhatTextsHold) {
  const auto text = formatted("%J", {.topic = "f", .payload = "[ \"a b\" , \"\\\" c\" ,\n1.50 ]"});
  EXPECT_NE(text.find(R"("payload":["a b","\" c",1.50]})"), std::string::npos) << text;
}

TEST_F(MessageFormatTest, PrintsPropertiesOfVersion5) {
  mqtt::PropertyWriter writer;
  writer.string(mqtt::PropertyId::kContentType, "text");
  writer.user("k", "v");
  writer.user("k2", "v2");
  writer.string(mqtt::PropertyId::kResponseTopic, "r/t");
  writer.u32(mqtt::PropertyId::kMessageExpiryInterval, 100);
  writer.string(mqtt::PropertyId::kCorrelationData, "cd");
  writer.u8(mqtt::PropertyId::kPayloadFormatIndicator, 1);
  const FormattedMessage message{.topic = "f/b", .qos = 2, .packet_id = 2, .properties = writer.bytes()};
  EXPECT_EQ(formatted("%A|%C|%D|%E|%F|%P|%R|%S", message), "|text|cd|100|1|k:v k2:v2|r/t|");
  EXPECT_EQ(formatted("%j", message),
            R"({"tst":"2026-11-21T09:42:53.778510Z+0000","topic":"f/b","qos":2,"retain":0,"payloadlen":0,"mid":2,"properties":{"content-type":"text",)"
            R"("user-properties":{"k":"v","k2":"v2"},"response-topic":"r/t","correlation-data":"cd","payload-format-indicator":1,)"
            R"("message-expiry-interval":100},"payload":null})");
}

TEST_F(MessageFormatTest, RefusesWhatItDoesNotKnow) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"%k", "Invalid format specifier 'k'."}, {"%", "Incomplete format specifier."},
                                                                 {"%-010", "Incomplete format specifier."}, {"@", "Incomplete format specifier."},
                                                                 {"\\q", "Invalid escape specifier 'q'."},  {"\\", "Incomplete escape specifier."}};
  for (const auto& [format, error] : cases) {
    const auto checked = check_format(format);
    ASSERT_FALSE(checked) << format;
    EXPECT_EQ(checked.error().message, error);
  }
}

}  // namespace
}  // namespace campanile::app::client
