#include "api/payload_json.h"

#include <gtest/gtest.h>

#include <array>

namespace campanile::api {
namespace {

boost::json::object written(std::string_view payload, size_t payload_bytes, size_t bytes_max) {
  boost::json::object object;
  add_payload(object, payload, payload_bytes, bytes_max);
  return object;
}

TEST(AddPayload, WritesTextAsTextAndBytesInBase64) {
  EXPECT_EQ(written("21.5 °C", 8, 100).at("payload"), "21.5 °C");
  EXPECT_EQ(written("", 0, 100).at("encoding"), "utf-8");
  EXPECT_EQ(written("\xff\xfe", 2, 100).at("payload"), "//4=");
  EXPECT_EQ(written("a\xff", 3, 100).at("encoding"), "base64");  // cut, and no text all the same
}

TEST(AddPayload, CutsTextBetweenCharacters) {
  const std::string text = "é€😀";  // 2, 3 and 4 bytes
  const std::array<std::string, 10> wanted = {"", "", "é", "é", "é", "é€", "é€", "é€", "é€", "é€😀"};
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(written(text, text.size(), cut).at("payload"), wanted[cut].c_str()) << cut;
    // The same where somebody else cut it before.
    EXPECT_EQ(written(text.substr(0, cut), text.size(), 100).at("payload"), wanted[cut].c_str()) << cut;
  }
}

}  // namespace
}  // namespace campanile::api
