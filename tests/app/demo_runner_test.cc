#include "app/demo/demo_runner.h"

#include <gtest/gtest.h>

#include "fake_server.h"

namespace campanile::app::demo {
namespace {

TEST(DemoRunner, SendsTheHistoryThenTheReadings) {
  FakeServer server;
  SystemClock clock;
  DemoRunner runner({.server = server.address(), .history = std::chrono::seconds(120)}, clock);
  runner.start();
  ASSERT_TRUE(runner.wait_for_history(std::chrono::seconds(30)));
  const DemoStatus status = runner.status();
  EXPECT_EQ(status.modules, 20u);
  EXPECT_EQ(status.connected, 20u);
  size_t history = 0;
  for (const SeenMessage& message : server.messages()) history += message.qos == 1;
  EXPECT_EQ(history, status.history_messages);
  EXPECT_GT(history, 1000u);
  EXPECT_TRUE(eventually([&] { return runner.status().live_messages > 10; }));
  runner.stop();
  runner.stop();
  EXPECT_EQ(server.client_ids().size(), 20u);
  EXPECT_TRUE(eventually([&] { return server.disconnects() == 20; })) << "each says goodbye";
}

TEST(DemoRunner, ModulesComeBackAndAnswerCommands) {
  FakeServer server;
  SystemClock clock;
  DemoRunner runner({.server = server.address(), .history = std::chrono::seconds(0)}, clock);
  runner.start();
  // The sixteen rooms take commands.
  ASSERT_TRUE(eventually([&] { return server.client_ids().size() == 20 && server.subscribers() == 16; }));
  server.cut();
  ASSERT_TRUE(eventually([&] { return server.client_ids().size() == 40 && server.subscribers() == 16; }));
  server.send("u4/302/temperature/command", R"({"dest":"all","order":"status"})");
  EXPECT_TRUE(eventually([&] {
    const auto messages = server.messages();
    return std::any_of(messages.begin(), messages.end(), [](const SeenMessage& message) {
      return message.topic == "u4/302/temperature" && message.payload.starts_with(R"({"frequency":10,"sensors":1,)");
    });
  }));
}

TEST(DemoRunner, WaitsForAServerThatIsNotThereYet) {
  SystemClock clock;
  DemoRunner runner({.server = {"127.0.0.1", 1}, .history = std::chrono::seconds(10)}, clock);
  runner.start();
  EXPECT_FALSE(runner.wait_for_history(std::chrono::milliseconds(50)));
  EXPECT_EQ(runner.status().connected, 0u);
}

}  // namespace
}  // namespace campanile::app::demo
