// LineSource: standard input, line by line, read beside the event loop so that a quiet pipe holds nothing up.
//
//   LineSource lines(STDIN_FILENO, 1000, [&] { loop.post([&] { pump(); }); });   // called whenever there is something new
//   while (const auto line = lines.take()) publish(*line);
//   if (lines.ended()) ...
//
// Threads: take() and ended() from any thread; `on_news` runs on the reading thread. Limits: lines_max lines wait, then reading pauses;
// a line over kLineBytesMax ends the input with an error.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace campanile::app::client {

inline constexpr size_t kLineBytesMax = 268'435'455;  // the largest payload of MQTT

class LineSource {
 public:
  LineSource(int file, size_t lines_max, std::function<void()> on_news);
  ~LineSource();
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  // The next line without its line end, if one is there now.
  std::optional<std::string> take();
  // Whether the input is over and every line taken.
  bool ended() const;

 private:
  void read();
  bool add_lines(std::string& rest);
  bool add_line(std::string line);

  const int file_;
  const size_t lines_max_;
  const std::function<void()> on_news_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::string> lines_;
  bool over_ = false;
  bool stopping_ = false;
  std::thread reader_;
};

}  // namespace campanile::app::client
