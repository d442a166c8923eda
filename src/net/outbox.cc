#include "net/outbox.h"

#include "base/check.h"
#include "net/connection.h"

namespace campanile::net {

Outbox::Outbox(std::shared_ptr<TcpConnection> connection) : connection_(std::move(connection)) {}

bool Outbox::push(std::string bytes, size_t bytes_max) {
  std::unique_lock lock(mutex_);
  if (dropped_ || finished_ || !has_room(bytes.size(), bytes_max)) return false;
  add(std::move(bytes));
  schedule(std::move(lock));
  return true;
}

bool Outbox::push_when_room(std::string bytes, size_t bytes_max, std::chrono::milliseconds patience) {
  CHECK(!connection_->loop().is_current());
  std::unique_lock lock(mutex_);
  const bool has_changed =
      changed_.wait_for(lock, patience, [&] { return dropped_ || has_room(bytes.size(), bytes_max); });
  if (!has_changed || dropped_ || finished_) return false;
  add(std::move(bytes));
  schedule(std::move(lock));
  return true;
}

void Outbox::add(std::string bytes) {
  if (waiting_.empty()) {
    waiting_ = std::move(bytes);
  } else {
    waiting_.append(bytes);
  }
}

void Outbox::finish(std::string bytes, Task then) {
  std::unique_lock lock(mutex_);
  if (dropped_ || finished_) return;
  add(std::move(bytes));
  finished_ = true;
  then_ = std::move(then);
  schedule(std::move(lock));
}

void Outbox::schedule(std::unique_lock<std::mutex> lock) {
  if (std::exchange(scheduled_, true)) return;
  lock.unlock();
  if (connection_->loop().is_current()) {
    move_on();
  } else {
    connection_->loop().post([self = shared_from_this()] { self->move_on(); });
  }
}

void Outbox::move_on() {
  std::string bytes;
  Task then;
  {
    std::lock_guard lock(mutex_);
    if (dropped_) return;
    // Above high water the connection says when it is low again, and scheduled_ stays set until then.
    if (connection_->send_queue_bytes() > kSendQueueHighBytes) return;
    scheduled_ = false;
    bytes = std::exchange(waiting_, {});
    if (finished_) then = std::exchange(then_, nullptr);
  }
  changed_.notify_all();
  connection_->send_owned(std::move(bytes));
  if (then) then();
}

void Outbox::drop() {
  Task then;  // destroyed after the lock is gone
  {
    std::lock_guard lock(mutex_);
    dropped_ = true;
    waiting_ = {};
    then = std::exchange(then_, nullptr);
  }
  changed_.notify_all();
}

size_t Outbox::bytes() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

bool Outbox::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace campanile::net
