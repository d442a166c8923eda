#include "app/signals.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <thread>

namespace campanile::app {
namespace {

using std::chrono::milliseconds;

TEST(StopSignals, ReportsTheSignal) {
  for (const int number : {SIGTERM, SIGINT}) {
    StopSignals signals;
    EXPECT_EQ(signals.wait_for(milliseconds(0)), std::nullopt);
    ::kill(::getpid(), number);
    EXPECT_EQ(signals.wait(), number);
  }
}

TEST(StopSignals, ThreadsMadeAfterItInheritTheBlock) {
  StopSignals signals;
  int blocked = 0;
  std::thread([&] {
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, nullptr, &now);
    blocked = sigismember(&now, SIGTERM);
  }).join();
  EXPECT_EQ(blocked, 1);
}

TEST(StopSignals, AHangupIsToldAndDoesNotEndTheWait) {
  StopSignals signals(true);
  int hangups = 0;
  signals.on_hangup([&] {
    ++hangups;
    ::kill(::getpid(), SIGTERM);
  });
  ::kill(::getpid(), SIGHUP);
  EXPECT_EQ(signals.wait(), SIGTERM);
  EXPECT_EQ(hangups, 1);
}

TEST(StopSignals, CanBeAskedFromAnotherThread) {
  StopSignals signals;
  std::thread other([&] { signals.request_stop(); });
  EXPECT_EQ(signals.wait(), 0);
  other.join();
}

TEST(StopSignals, GivesTheSignalsBack) {
  { StopSignals signals; }
  sigset_t now;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &now), 0);
  EXPECT_EQ(sigismember(&now, SIGTERM), 0);
}

}  // namespace
}  // namespace campanile::app
