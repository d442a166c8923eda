#include "app/demo/commands.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace campanile::app::demo {
namespace {

constexpr int64_t kNowNs = 1'790'000'000'000'000'000;

class CommandsTest : public testing::Test {
 protected:
  std::vector<Message> answer(std::string_view kind, std::string_view payload) {
    return answer_command(campus_, module_, fmt::format("{}/{}/command", module_.place, kind), payload, kNowNs);
  }
  Sensor& temperature() { return module_.sensors[0]; }

  const CampusModel campus_{{.seed = 1, .start_s = kNowNs / 1'000'000'000}};
  Module module_ = campus_.modules()[2];  // u4/302
};

TEST_F(CommandsTest, StatusIsAnsweredOnTheSensorsTopic) {
  const auto replies = answer("temperature", R"({"dest":"all","order":"status"})");
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].topic, "u4/302/temperature");
  EXPECT_EQ(replies[0].payload, fmt::format(R"({{"frequency":10,"sensors":1,"time":1790000000,"unitID":"{}"}})", module_.unit_id));
  EXPECT_NE(answer("noise", R"({"dest":"all","order":"status"})").at(0).payload.find("\"sensitivity\""), std::string::npos);
}

TEST_F(CommandsTest, FrequencyChangesThePeriodWithinItsLimits) {
  EXPECT_EQ(answer("temperature", R"({"value":60,"order":"frequency","dest":"ALL"})").at(0).payload.find(R"({"frequency":60,)"), 0u);
  EXPECT_EQ(temperature().period_ms, 60'000u);
  EXPECT_LT(temperature().phase_ms, temperature().period_ms);
  answer("temperature", R"({"dest":"all","order":"frequency","value":1})");
  EXPECT_EQ(temperature().period_ms, 30'000u);
  answer("temperature", R"({"dest":"all","order":"frequency","value":1e300})");
  EXPECT_EQ(temperature().period_ms, 1'800'000u);
  EXPECT_TRUE(answer("temperature", R"({"dest":"all","order":"frequency","value":"60"})").empty());
  EXPECT_TRUE(answer("temperature", R"({"dest":"all","order":"frequency"})").empty());
}

TEST_F(CommandsTest, AcquireGivesAReadingAtOnce) {
  const auto replies = answer("humidity", fmt::format(R"({{"dest":"{}","order":"acquire"}})", module_.unit_id));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].topic, "u4/302/humidity");
  EXPECT_NE(replies[0].payload.find("\"value\":"), std::string::npos);
}

TEST_F(CommandsTest, DevicesAnswerForThemselves) {
  EXPECT_EQ(answer("device", fmt::format(R"({{"dest":"{}","order":"status"}})", module_.mac)).at(0).topic, "u4/302/device");
  EXPECT_EQ(answer("device", R"({"dest":"all","order":"reboot"})").size(), 3u);
}

TEST_F(CommandsTest, OthersAndNonsenseArePassedOver) {
  for (const auto payload : {R"({"dest":"auto_ffff","order":"status"})", R"({"dest":"all","order":"dance"})", R"({"dest":"all"})", R"({"order":"status"})",
                             R"({"dest":1,"order":"status"})", "[]", "", "status", "{\"dest\":"}) {
    EXPECT_TRUE(answer("temperature", payload).empty()) << payload;
  }
  EXPECT_TRUE(answer("shutter", R"({"dest":"all","order":"status"})").empty());
  EXPECT_TRUE(answer_command(campus_, module_, "u4/302/temperature", R"({"dest":"all","order":"status"})", kNowNs).empty());
  EXPECT_TRUE(answer_command(campus_, module_, "/command", R"({"dest":"all","order":"status"})", kNowNs).empty());
}

}  // namespace
}  // namespace campanile::app::demo
