#include "net/poller.h"

#include <algorithm>

#include "base/check.h"

namespace campanile::net {

Poller::Poller(boost::asio::io_context& context) : descriptor_(context, epoll_create1(EPOLL_CLOEXEC)) {
  CHECK(descriptor_.native_handle() >= 0);
}

bool Poller::watch(int fd, PollTarget& target) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &target}};
  return epoll_ctl(descriptor_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::forget(int fd, const PollTarget& target) {
  epoll_ctl(descriptor_.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = next_; i < count_; ++i) {
    if (events_[static_cast<size_t>(i)].data.ptr == &target) events_[static_cast<size_t>(i)].data.ptr = nullptr;
  }
}

void Poller::run() {
  count_ = std::max(epoll_wait(descriptor_.native_handle(), events_.data(), kTurnEvents, 0), 0);
  for (next_ = 0; next_ < count_;) {
    const epoll_event& event = events_[static_cast<size_t>(next_++)];
    if (event.data.ptr) static_cast<PollTarget*>(event.data.ptr)->ready(event.events);
  }
  count_ = next_ = 0;
}

void Poller::stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  descriptor_.cancel(ignored);
}

}  // namespace campanile::net
