#include "decoders/json_document.h"

#include <gtest/gtest.h>

namespace campanile::decoders {
namespace {

std::string reason(std::string_view payload) {
  const auto parsed = parse_json_object(payload);
  return parsed ? "none" : parsed.error().message;
}

TEST(JsonDocument, SaysWhatIsWrong) {
  EXPECT_EQ(reason(""), "the payload is empty, a JSON object was wanted: ''");
  EXPECT_EQ(reason("{\"value\":"), "the payload is not JSON: it ends too early: '{\"value\":'");
  EXPECT_EQ(reason("[1,2]"), "the payload is an array, a JSON object was wanted: '[1,2]'");
  EXPECT_EQ(reason("21.5"), "the payload is a number, a JSON object was wanted: '21.5'");
  EXPECT_EQ(reason("null"), "the payload is null, a JSON object was wanted: 'null'");
  EXPECT_EQ(reason("{\"value\":NaN}"), "the payload is not JSON, which knows no NaN and no Infinity: '{\"value\":NaN}'");
  EXPECT_EQ(reason("{\"value\":1e999}"), "the payload is not JSON: a number in it cannot be read or is out of range: '{\"value\":1e999}'");
  EXPECT_TRUE(reason("{\"a\":\"\xff\"}").starts_with("the payload is not JSON: it holds bytes that are no UTF-8")) << reason("{\"a\":\"\xff\"}");
  EXPECT_TRUE(reason("{\"a\":1}{").starts_with("the payload is not JSON"));
  EXPECT_TRUE(reason("abc").starts_with("the payload is not JSON"));
}

TEST(JsonDocument, BoundsDepthAndSize) {
  const auto nested = [](size_t depth) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += "{\"a\":";
    text += '1';
    text.append(depth, '}');
    return text;
  };
  EXPECT_EQ(reason(nested(30)), "none");
  EXPECT_TRUE(reason(nested(40)).starts_with("the payload is JSON nested deeper than 32 levels")) << reason(nested(40));
  EXPECT_TRUE(reason(nested(100'000)).starts_with("the payload is JSON nested deeper than 32 levels"));
  EXPECT_EQ(reason("{\"a\":\"" + std::string(kJsonBytesMax - 8, 'x') + "\"}"), "none");
  EXPECT_EQ(reason("{\"a\":\"" + std::string(kJsonBytesMax, 'x') + "\"}"), "the payload has 4194312 bytes, a JSON message may have 4194304");
}

TEST(JsonDocument, ReadsTimesOfEveryType) {
  const auto object = parse_json_object(R"({"a":1600000000,"b":1600000000.5,"c":"2020-09-13T12:26:40Z","d":null,"e":true})").value();
  EXPECT_EQ(time_of(object["a"].value_unsafe()).value(), 1'600'000'000'000'000'000);
  EXPECT_EQ(time_of(object["b"].value_unsafe()).value(), 1'600'000'000'500'000'000);
  EXPECT_EQ(time_of(object["c"].value_unsafe()).value(), 1'600'000'000'000'000'000);
  EXPECT_EQ(time_of(object["d"].value_unsafe()).value(), std::nullopt);
  EXPECT_EQ(time_of(object["e"].value_unsafe()).error().message, "the time is true or false, a number or a text was wanted");
}

}  // namespace
}  // namespace campanile::decoders
