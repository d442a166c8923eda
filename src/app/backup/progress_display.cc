#include "app/backup/progress_display.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <unistd.h>

#include <fmt/format.h>

namespace campanile::app {
namespace {

constexpr uint64_t kBarCells = 30;

std::string amount(const backup::ProgressStatus& status) { return fmt::format("{} of {}", size_text(status.bytes), size_text(status.bytes_total)); }

}  // namespace

ProgressDisplay::ProgressDisplay(std::string what) : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressDisplay::~ProgressDisplay() {
  if (terminal_ && !shown_.empty()) std::fputc('\n', stderr);
}

void ProgressDisplay::show(const backup::ProgressStatus& status) {
  if (status.files_total == 0) return;
  if (terminal_) {
    std::string bar = progress_bar(what_, status);
    if (bar == shown_) return;
    // Blanks cover what is left of a longer line before.
    std::fprintf(stderr, "\r%s%s", bar.c_str(), std::string(shown_.size() > bar.size() ? shown_.size() - bar.size() : 0, ' ').c_str());
    std::fflush(stderr);
    shown_ = std::move(bar);
  } else if (percent_of(status) / 10 > tenths_) {
    tenths_ = percent_of(status) / 10;
    std::fprintf(stderr, "%s\n", progress_line(what_, status).c_str());
  }
}

uint64_t percent_of(const backup::ProgressStatus& status) {
  if (status.files >= status.files_total) return 100;
  if (status.bytes_total == 0) return 0;
  return std::min<uint64_t>(99, static_cast<uint64_t>(100.0 * static_cast<double>(status.bytes) / static_cast<double>(status.bytes_total)));
}

std::string progress_bar(std::string_view what, const backup::ProgressStatus& status) {
  const uint64_t percent = percent_of(status);
  const uint64_t full = percent * kBarCells / 100;
  return fmt::format("{} {:3} % [{}{}] {}", what, percent, std::string(full, '#'), std::string(kBarCells - full, ' '), amount(status));
}

std::string progress_line(std::string_view what, const backup::ProgressStatus& status) {
  return fmt::format("{}: {} %, {}", what, percent_of(status), amount(status));
}

std::string size_text(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace campanile::app
