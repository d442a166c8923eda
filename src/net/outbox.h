// Outbox: bytes that any thread gives and a loop moves into a connection as fast as the peer takes them. Private to
// net.
//
// Answers from worker threads and WebSocket messages go through one: order is kept whoever calls, a burst costs one
// wake-up of the loop, and what waits is bounded where it is produced. What it has moved, up to 256 KiB above what the
// caller gave last, counts as the connection's.
//
// Threads: push*(), finish(), bytes() from any; the rest on the connection's loop. Lock: mutex_, held for moving
// strings only, never while calling the connection.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "net/tcp.h"

namespace campanile::net {

class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  explicit Outbox(std::shared_ptr<TcpConnection> connection);

  // False, and nothing taken, where the connection has gone or `bytes` would make more than `bytes_max` wait (a piece
  // larger than that is taken when nothing waits).
  bool push(std::string bytes, size_t bytes_max);
  // The same, but waits for room. Not on the loop's thread, which makes the room.
  bool push_when_room(std::string bytes, size_t bytes_max, std::chrono::milliseconds patience);
  // Takes the last bytes, whatever waits already, and runs `then` on the loop when all has been handed to the
  // connection. Nothing is taken after this; further calls do nothing.
  void finish(std::string bytes, Task then);
  size_t bytes() const;

  // The connection has room again (on_send_queue_low).
  void move_on();
  // The connection has gone: what waits is dropped, and whoever waits for room is told.
  void drop();
  bool dropped() const;

 private:
  void add(std::string bytes);
  void schedule(std::unique_lock<std::mutex> lock);
  bool has_room(size_t bytes, size_t bytes_max) const {
    return waiting_.empty() || waiting_.size() + bytes <= bytes_max;
  }

  const std::shared_ptr<TcpConnection> connection_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string waiting_;  // the rest is under mutex_
  Task then_;
  bool finished_ = false;
  bool dropped_ = false;
  bool scheduled_ = false;  // move_on() will come: posted, or when the connection's queue is low
};

}  // namespace campanile::net
