// Poller: tells the plain sockets of one loop when they can be read or written, many at a time. Private to net: includes Asio.
//
// Why not Asio's own reactor: there every socket pays for a descriptor state and a pending operation (some 500 bytes while idle),
// and every read for a second system call that finds nothing. Here a socket costs its entry in the kernel, one turn of the loop
// takes hundreds of ready sockets, and each is read once. Asio only watches the poller's own epoll descriptor.
//
//   poller.watch(fd, *this);      // this->ready(events) from the loop, once for each change (edge-triggered)
//   poller.forget(fd, *this);     // nothing comes any more, not even what the present turn has collected
//
// Threads: the loop's. Ownership: targets outlive their watch. Errors: watch() answers false where the system refuses, with errno.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace campanile::net {

class PollTarget {
 public:
  virtual ~PollTarget() = default;
  // `events` of epoll(7): EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP.
  virtual void ready(uint32_t events) = 0;
};

class Poller {
 public:
  explicit Poller(boost::asio::io_context& context);

  bool watch(int fd, PollTarget& target);
  void forget(int fd, const PollTarget& target);

  // Calls `turn` whenever sockets are ready; it calls run(). Once, before the loop runs.
  template <typename Turn>
  void start(Turn turn) {
    descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                           [this, turn = std::move(turn)](const boost::system::error_code& error) mutable {
                             if (error) return;  // the loop stops
                             turn();
                             if (!stopped_) start(std::move(turn));
                           });
  }
  // Tells the targets that are ready now.
  void run();
  // For ever: the loop stops.
  void stop();

 private:
  static constexpr int kTurnEvents = 256;

  boost::asio::posix::stream_descriptor descriptor_;
  std::array<epoll_event, kTurnEvents> events_;
  int count_ = 0;  // of the present turn
  int next_ = 0;
  bool stopped_ = false;
};

}  // namespace campanile::net
