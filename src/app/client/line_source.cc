#include "app/client/line_source.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace campanile::app::client {

LineSource::LineSource(int file, size_t lines_max, std::function<void()> on_news)
    : file_(file), lines_max_(lines_max), on_news_(std::move(on_news)), reader_([this] { read(); }) {}

LineSource::~LineSource() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  reader_.join();
}

std::optional<std::string> LineSource::take() {
  const std::lock_guard lock(mutex_);
  if (lines_.empty()) return std::nullopt;
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  room_.notify_one();
  return line;
}

bool LineSource::ended() const {
  const std::lock_guard lock(mutex_);
  return over_ && lines_.empty();
}

void LineSource::read() {
  std::string rest;
  char block[65'536];
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    // The poll's limit is how late a stop may be noticed.
    pollfd wait{.fd = file_, .events = POLLIN};
    if (::poll(&wait, 1, 100) == 0) continue;
    const ssize_t size = ::read(file_, block, sizeof block);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    rest.append(block, static_cast<size_t>(size));
    if (rest.size() > kLineBytesMax) break;
    if (!add_lines(rest)) return;
  }
  if (!rest.empty() && rest.size() <= kLineBytesMax && !add_line(std::move(rest))) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  on_news_();
}

bool LineSource::add_lines(std::string& rest) {
  size_t begin = 0;
  for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
    if (!add_line(rest.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  rest.erase(0, begin);
  return true;
}

bool LineSource::add_line(std::string line) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return stopping_ || lines_.size() < lines_max_; });
    if (stopping_) return false;
    lines_.push_back(std::move(line));
  }
  on_news_();
  return true;
}

}  // namespace campanile::app::client
