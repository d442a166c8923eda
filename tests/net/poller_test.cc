#include "net/poller.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string_view>

#include <gtest/gtest.h>

namespace campanile::net {
namespace {

struct Target : PollTarget {
  void ready(uint32_t events) override {
    ++calls;
    last_events = events;
    if (then) then();
  }
  int calls = 0;
  uint32_t last_events = 0;
  std::function<void()> then;
};

struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0); }
  ~Pair() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  void say(std::string_view text) const { EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size())); }
  std::array<int, 2> ends{-1, -1};
};

TEST(Poller, TellsOfEachChangeOnce) {
  boost::asio::io_context context;
  Poller poller(context);
  Pair pair;
  Target target;
  ASSERT_TRUE(poller.watch(pair.ends[0], target));
  poller.run();
  EXPECT_EQ(target.calls, 1);  // there is room to write
  EXPECT_TRUE(target.last_events & EPOLLOUT);
  EXPECT_FALSE(target.last_events & EPOLLIN);
  poller.run();
  EXPECT_EQ(target.calls, 1);
  pair.say("a");
  poller.run();
  EXPECT_EQ(target.calls, 2);
  EXPECT_TRUE(target.last_events & EPOLLIN);
  poller.run();
  EXPECT_EQ(target.calls, 2) << "nothing new, although nothing was read";
  ::close(std::exchange(pair.ends[1], -1));
  poller.run();
  EXPECT_TRUE(target.last_events & EPOLLHUP);
}

TEST(Poller, ATargetThatIsForgottenInTheSameTurnHearsNothing) {
  boost::asio::io_context context;
  Poller poller(context);
  Pair first_pair;
  Pair second_pair;
  Target first;
  Target second;
  ASSERT_TRUE(poller.watch(first_pair.ends[0], first));
  ASSERT_TRUE(poller.watch(second_pair.ends[0], second));
  // Whichever comes first ends the other.
  first.then = [&] { poller.forget(second_pair.ends[0], second); };
  second.then = [&] { poller.forget(first_pair.ends[0], first); };
  poller.run();
  EXPECT_EQ(first.calls + second.calls, 1);
  poller.run();
  EXPECT_EQ(first.calls + second.calls, 1);
}

TEST(Poller, ADescriptorThatCannotBeWatchedIsRefused) {
  boost::asio::io_context context;
  Poller poller(context);
  Target target;
  EXPECT_FALSE(poller.watch(-1, target));
}

TEST(Poller, StartCallsTheTurnWheneverSomethingIsReady) {
  boost::asio::io_context context;
  Poller poller(context);
  Pair pair;
  Target target;
  int turns = 0;
  target.then = [&] {
    if (target.calls == 1) pair.say("again");
    if (target.calls == 2) poller.stop();
  };
  ASSERT_TRUE(poller.watch(pair.ends[0], target));
  poller.start([&] {
    ++turns;
    poller.run();
    if (turns > 10) poller.stop();
  });
  context.run_for(std::chrono::seconds(30));
  EXPECT_EQ(target.calls, 2);
}

}  // namespace
}  // namespace campanile::net
