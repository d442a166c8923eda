#include "app/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

namespace campanile::app {
namespace {

sigset_t stop_set(bool hangups) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (hangups) sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

StopSignals::StopSignals(bool hangups) : hangups_(hangups) {
  const sigset_t set = stop_set(hangups);
  CHECK(pthread_sigmask(SIG_BLOCK, &set, &before_) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  requests_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(signals_ >= 0 && requests_ >= 0);
}

StopSignals::~StopSignals() {
  ::close(signals_);
  ::close(requests_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int StopSignals::wait() {
  while (true) {
    if (const auto number = wait_for(std::chrono::hours(1))) return *number;
  }
}

std::optional<int> StopSignals::wait_for(std::chrono::milliseconds limit) {
  pollfd files[] = {{.fd = signals_, .events = POLLIN}, {.fd = requests_, .events = POLLIN}};
  const int ready = ::poll(files, 2, static_cast<int>(limit.count()));
  if (ready <= 0) return std::nullopt;  // the limit, or EINTR: the caller looks again
  int number = 0;
  if (files[0].revents & POLLIN) {
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == sizeof info) number = static_cast<int>(info.ssi_signo);
    if (number == SIGHUP) {
      if (hangup_) hangup_();
      return std::nullopt;
    }
  } else {
    uint64_t count = 0;
    if (::read(requests_, &count, sizeof count) != sizeof count) return std::nullopt;
  }
  // The next signal is not for us to wait for any more: it ends the process as it does by default.
  const sigset_t set = stop_set(hangups_);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return number;
}

void StopSignals::request_stop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(requests_, &one, sizeof one);
}

}  // namespace campanile::app
