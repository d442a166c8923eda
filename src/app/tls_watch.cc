#include "app/tls_watch.h"

#include <chrono>
#include <utility>

#include "base/log.h"

namespace campanile::app {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

}  // namespace

TlsWatch::TlsWatch(std::vector<Watched> watched) : watched_(std::move(watched)) {
  if (!watched_.empty()) thread_ = std::thread([this] { run(); });
}

TlsWatch::~TlsWatch() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TlsWatch::reload_now() {
  {
    std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_all();
}

void TlsWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    wake_.wait_for(lock, kLookEvery, [this] { return stopped_ || asked_; });
    if (stopped_) return;
    const bool asked = std::exchange(asked_, false);
    lock.unlock();
    look(asked);
    lock.lock();
  }
}

void TlsWatch::look(bool asked) {
  for (Watched& one : watched_) {
    if (!asked) {
      const bool was_changing = std::exchange(one.changing, one.tls->files_changed());
      if (!one.changing || !was_changing) continue;
    }
    one.changing = false;
    if (const auto reloaded = one.tls->reload(); reloaded) {
      log::info("listener {}: certificates were read again", one.name);
    } else {
      log::error("listener {}: certificates cannot be read again, those read before stay in use: {}", one.name, reloaded.error().message);
    }
  }
}

}  // namespace campanile::app
