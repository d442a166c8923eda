// publish_command() and subscribe_command() against a small server; what they print is caught at the file descriptors.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "app/client/publish_command.h"
#include "app/client/subscribe_command.h"
#include "fake_server.h"

namespace campanile::app::client {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class ClientToolsTest : public testing::Test {
 protected:
  ToolOptions options(Tool tool, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-h", "127.0.0.1", "-p", server_.port()});
    ParsedFlags parsed = parse_client_flags(tool, arguments);
    EXPECT_EQ(parsed.error, "");
    return parsed.options;
  }
  Outcome publish(const std::vector<std::string>& arguments) {
    const ToolOptions parsed = options(Tool::kPublish, arguments);
    return captured([&] { return publish_command(parsed); });
  }
  // Runs sub, and `meanwhile` once it has subscribed.
  Outcome subscribe(const std::vector<std::string>& arguments, const std::function<void()>& meanwhile = {}) {
    const ToolOptions parsed = options(Tool::kSubscribe, arguments);
    // What a former subscriber has left must not be taken for this one.
    EXPECT_TRUE(eventually([&] { return server_.connections() == 0; }));
    return captured([&] {
      auto code = std::async(std::launch::async, [&] { return subscribe_command(parsed); });
      if (meanwhile) {
        EXPECT_TRUE(eventually([&] { return server_.subscribers() > 0; }));
        meanwhile();
      }
      return code.get();
    });
  }
  static Outcome captured(const std::function<int()>& run) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.code = run();
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
  }

  FakeServer server_;
};

TEST_F(ClientToolsTest, PubSendsOneMessage) {
  const Outcome outcome = publish({"-t", "a/b", "-m", "hello", "-r", "-q", "1"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out + outcome.err, "");
  ASSERT_THAT(server_.messages(), SizeIs(1));
  const SeenMessage message = server_.messages()[0];
  EXPECT_EQ(message.topic, "a/b");
  EXPECT_EQ(message.payload, "hello");
  EXPECT_EQ(message.qos, 1);
  EXPECT_TRUE(message.retain);
  EXPECT_TRUE(eventually([&] { return server_.disconnects() == 1; })) << "it must say goodbye";
}

TEST_F(ClientToolsTest, PubSendsTheSameMessageSeveralTimes) {
  EXPECT_EQ(publish({"-t", "a", "-n", "--repeat", "3", "--repeat-delay", "0.01", "-q", "2", "-V", "5"}).code, 0);
  EXPECT_TRUE(eventually([&] { return server_.messages().size() == 3; }));
}

TEST_F(ClientToolsTest, PubSendsFiles) {
  const std::string path = fmt::format("{}client-tools-payload-{}", testing::TempDir(), ::getpid());
  std::string bytes(3'000'000 / 8, 'x');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(publish({"-t", "a", "-f", path}).code, 0);
  EXPECT_TRUE(eventually([&] { return server_.messages().size() == 1; }));
  EXPECT_TRUE(server_.messages()[0].payload == bytes) << "the payload differs";
  std::remove(path.c_str());
  const Outcome missing = publish({"-t", "a", "-f", "/nowhere/at/all"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.err, "Error: Unable to open file \"/nowhere/at/all\".\n");
}

TEST_F(ClientToolsTest, PubSendsEachLineOfItsInput) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(pipe_ends[0], STDIN_FILENO);
  std::thread writer([&] {
    for (int i = 0; i < 3000; ++i) {
      const std::string line = std::to_string(i) + "\n";
      EXPECT_EQ(::write(pipe_ends[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
    ::close(pipe_ends[1]);
  });
  const Outcome outcome = publish({"-t", "a", "-l", "-q", "1"});
  writer.join();
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ::close(pipe_ends[0]);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto messages = server_.messages();
  ASSERT_EQ(messages.size(), 3000u);
  for (size_t i = 0; i < messages.size(); ++i) ASSERT_EQ(messages[i].payload, std::to_string(i));
}

TEST_F(ClientToolsTest, PubTellsEachPacketWhenAsked) {
  const Outcome outcome = publish({"-t", "a", "-m", "hello", "-q", "1", "-d", "-i", "me"});
  EXPECT_EQ(outcome.out,
            "Client me sending CONNECT\n"
            "Client me received CONNACK (0)\n"
            "Client me sending PUBLISH (d0, q1, r0, m1, 'a', ... (5 bytes))\n"
            "Client me received PUBACK (Mid: 1, RC:0)\n"
            "Client me sending DISCONNECT\n");
}

TEST_F(ClientToolsTest, RefusalsBecomeTheServersCode) {
  server_.refuse_with(mqtt::ReasonCode::kNotAuthorized);
  const Outcome old = publish({"-t", "a", "-m", "b"});
  EXPECT_EQ(old.code, 5);
  EXPECT_EQ(old.err, "Connection error: Connection Refused: not authorised.\n");
  const Outcome modern = subscribe({"-t", "a", "-V", "5"});
  EXPECT_EQ(modern.code, 135);
  EXPECT_EQ(modern.err, "Connection error: Not authorized\n");
  EXPECT_EQ(publish({"-t", "a", "-m", "b", "--quiet"}).err, "");
}

TEST_F(ClientToolsTest, AServerThatIsNotThereIsOne) {
  const ToolOptions nobody = parse_client_flags(Tool::kPublish, std::vector<std::string>{"-h", "127.0.0.1", "-p", "1", "-t", "a", "-m", "b"}).options;
  const Outcome outcome = captured([&] { return publish_command(nobody); });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("onnection refused"));
}

TEST_F(ClientToolsTest, SubPrintsUntilItsCount) {
  const Outcome outcome = subscribe({"-t", "a/#", "-t", "b", "-C", "3"}, [&] {
    server_.send("a/1", "one");
    server_.send("c", "not asked for");
    server_.send("b", "");
    server_.send("a", "three");
    server_.send("a", "four, which is one too many");
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "one\nthree\n") << "an empty message prints nothing, but counts";
  EXPECT_TRUE(eventually([&] { return server_.disconnects() == 1; }));
}

TEST_F(ClientToolsTest, SubPrintsInTheFormAsked) {
  const auto send_two = [&] {
    server_.send("a", "x");
    server_.send("a", "");
  };
  EXPECT_EQ(subscribe({"-t", "#", "-v", "-C", "2"}, send_two).out, "a x\na (null)\n");
  EXPECT_EQ(subscribe({"-t", "#", "-N", "-C", "2"}, send_two).out, "x");
  EXPECT_EQ(subscribe({"-t", "#", "-F", "%t=%p;%l", "-C", "2"}, send_two).out, "a=x;1\na=;0\n");
  EXPECT_EQ(subscribe({"-t", "#", "-F", "%J", "-C", "1"}, [&] { server_.send("a", "{"); }).err, "Error: Message payload is not valid JSON on topic a.\n");
}

TEST_F(ClientToolsTest, SubLeavesOutWhatItIsToldTo) {
  const Outcome outcome = subscribe({"-t", "#", "-v", "-R", "-T", "b/+", "-C", "1"}, [&] {
    server_.send("a", "retained", true);
    server_.send("b/1", "filtered out");
    server_.send("b", "printed");
  });
  EXPECT_EQ(outcome.out, "b printed\n");
}

TEST_F(ClientToolsTest, SubKnowsRetainedMessages) {
  const Outcome only = subscribe({"-t", "#", "--retained-only"}, [&] {
    server_.send("a", "1", true);
    server_.send("a", "2", true);
    server_.send("a", "fresh");
  });
  EXPECT_EQ(only.code, 0);
  EXPECT_EQ(only.out, "1\n2\n");
  EXPECT_EQ(subscribe({"-t", "#", "--remove-retained", "-C", "1"}, [&] { server_.send("a/b", "1", true); }).out, "1\n");
  ASSERT_TRUE(eventually([&] { return server_.messages().size() == 1; }));
  EXPECT_EQ(server_.messages()[0].topic, "a/b");
  EXPECT_EQ(server_.messages()[0].payload, "");
  EXPECT_TRUE(server_.messages()[0].retain);
}

TEST_F(ClientToolsTest, SubGivesUpAfterItsTime) {
  const Outcome outcome = subscribe({"-t", "a", "-W", "1"});
  EXPECT_EQ(outcome.code, 27);
  EXPECT_EQ(outcome.err, "Timed out\n");
}

TEST_F(ClientToolsTest, SubEndsOnceSubscribedWhenAsked) {
  EXPECT_EQ(subscribe({"-t", "a", "-E"}).code, 0);
  server_.refuse_subscriptions();
  const Outcome denied = subscribe({"-t", "a", "-E"});
  EXPECT_EQ(denied.code, 1);
  EXPECT_EQ(denied.err, "All subscription requests were denied.\n");
}

TEST_F(ClientToolsTest, SubComesBackAfterALostConnection) {
  const Outcome outcome = subscribe({"-t", "a", "-C", "2", "-W", "60"}, [&] {
    server_.send("a", "before");
    server_.cut();
    EXPECT_TRUE(eventually([&] { return server_.client_ids().size() == 2 && server_.subscribers() == 1; }));
    server_.send("a", "after");
  });
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "before\nafter\n");
}

}  // namespace
}  // namespace campanile::app::client
