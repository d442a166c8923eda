#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <set>

#include "net/tcp.h"
#include "raw_client.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

class Quiet final : public TcpHandler {
 public:
  explicit Quiet(std::atomic<int>& open) : open_(open) {}
  void on_open(TcpConnection& connection) override {
    ++open_;
    connection.send("welcome");
  }
  size_t on_bytes(TcpConnection&, std::string_view bytes) override { return bytes.size(); }
  void on_closed(TcpConnection&, std::string_view) override { --open_; }

 private:
  std::atomic<int>& open_;
};

TEST(TcpListener, DealsConnectionsToTheLoopsInTurn) {
  std::atomic<int> open = 0;
  std::array<std::atomic<int>, 3> of_loop{};
  EventLoopPool loops(3);
  loops.start();
  auto listener = TcpListener::listen(loops, {"127.0.0.1", 0}, {}, [&](EventLoop& loop) {
    EXPECT_TRUE(loop.is_current());
    ++of_loop[loop.index()];
    return std::make_unique<Quiet>(open);
  });
  ASSERT_TRUE(listener);
  std::vector<RawClient> clients;
  for (int i = 0; i < 12; ++i) clients.emplace_back((*listener)->address());
  EXPECT_TRUE(eventually([&] { return open == 12; }));
  for (const auto& count : of_loop) EXPECT_EQ(count, 4);
  loops.stop();
  EXPECT_EQ(open, 0);
}

TEST(TcpListener, ClosesConnectionsBeyondItsLimitAndTakesNewOnesLater) {
  std::atomic<int> open = 0;
  EventLoopPool loops(2);
  loops.start();
  auto listener = TcpListener::listen(loops, {"127.0.0.1", 0}, {.connections_max = 2},
                                      [&](EventLoop&) { return std::make_unique<Quiet>(open); });
  ASSERT_TRUE(listener);
  RawClient first((*listener)->address());
  RawClient second((*listener)->address());
  EXPECT_EQ(first.receive_exactly(7), "welcome");
  EXPECT_EQ(second.receive_exactly(7), "welcome");
  RawClient third((*listener)->address());
  EXPECT_EQ(third.receive(), "");
  first.close();
  EXPECT_TRUE(eventually([&] { return (*listener)->connections() == 1; }));
  RawClient fourth((*listener)->address());
  EXPECT_EQ(fourth.receive_exactly(7), "welcome");
  loops.stop();
}

TEST(TcpListener, CloseRefusesNewConnectionsAndKeepsTheOpenOnes) {
  std::atomic<int> open = 0;
  EventLoopPool loops(1);
  loops.start();
  auto listener =
      TcpListener::listen(loops, {"127.0.0.1", 0}, {}, [&](EventLoop&) { return std::make_unique<Quiet>(open); });
  ASSERT_TRUE(listener);
  const Address address = (*listener)->address();
  RawClient client(address);
  EXPECT_TRUE(eventually([&] { return open == 1; }));
  (*listener)->close();
  EXPECT_TRUE(eventually([&] { return !RawClient(address).connected(); }));
  EXPECT_TRUE(client.send("still here"));
  EXPECT_TRUE(eventually([&] { return open == 1; }));
  loops.stop();
}

TEST(TcpListener, SaysWhyItCannotListen) {
  EventLoopPool loops(1);
  std::atomic<int> open = 0;
  const auto factory = [&](EventLoop&) { return std::make_unique<Quiet>(open); };
  auto first = TcpListener::listen(loops, {"127.0.0.1", 0}, {}, factory);
  ASSERT_TRUE(first);
  const auto second = TcpListener::listen(loops, (*first)->address(), {}, factory);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kIoError);
  EXPECT_THAT(second.error().message, HasSubstr((*first)->address().to_string()));
  EXPECT_THAT(second.error().message, HasSubstr("another program has it"));

  const auto foreign = TcpListener::listen(loops, {"203.0.113.1", 0}, {}, factory);
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, HasSubstr("cannot listen on 203.0.113.1:0: "));
}

TEST(TcpListener, ListensOnAName) {
  EventLoopPool loops(1);
  std::atomic<int> open = 0;
  auto listener =
      TcpListener::listen(loops, {"localhost", 0}, {}, [&](EventLoop&) { return std::make_unique<Quiet>(open); });
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_TRUE((*listener)->address().is_loopback());
}

// Out of file descriptors: those who are connected are served, and the one in the queue is once there is room again.
TEST(TcpListener, SurvivesARunOutOfFileDescriptors) {
  std::atomic<int> open = 0;
  EventLoopPool loops(1);
  loops.start();
  auto listener =
      TcpListener::listen(loops, {"127.0.0.1", 0}, {}, [&](EventLoop&) { return std::make_unique<Quiet>(open); });
  ASSERT_TRUE(listener);
  RawClient before((*listener)->address());
  EXPECT_EQ(before.receive_exactly(7), "welcome");

  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  // The client's socket takes the last number below the lowered limit, so that accept() finds none.
  const int next = dup(0);
  ASSERT_GE(next, 0);
  close(next);
  rlimit low = limit;
  low.rlim_cur = static_cast<rlim_t>(next) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  RawClient waiting((*listener)->address());
  EXPECT_TRUE(waiting.connected());
  std::this_thread::sleep_for(std::chrono::milliseconds(250));  // lets it fail twice; nothing is asserted about when
  EXPECT_FALSE(waiting.readable());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(waiting.receive_exactly(7), "welcome");
  loops.stop();
}

}  // namespace
}  // namespace campanile::net
