#include "app/bench/process_usage.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/text.h"

namespace campanile::app::bench {
namespace {

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string_view next_word(std::string_view& text) {
  const size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  const size_t end = std::min(text.find_first_of(" \t\n", begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

}  // namespace

std::optional<uint64_t> ticks_of_stat(std::string_view stat) {
  const size_t bracket = stat.rfind(')');
  if (bracket == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(bracket + 1);
  // Fields 3 to 13 come before utime (14) and stime (15).
  for (int field = 3; field <= 13; ++field) next_word(stat);
  const auto user = parse_uint64(next_word(stat));
  const auto system = parse_uint64(next_word(stat));
  if (!user || !system) return std::nullopt;
  return *user + *system;
}

std::optional<uint64_t> resident_of_status(std::string_view status) {
  const size_t at = status.find("VmRSS:");
  if (at == std::string_view::npos) return std::nullopt;
  status.remove_prefix(at + 6);
  const auto kilobytes = parse_uint64(next_word(status));
  if (!kilobytes) return std::nullopt;
  return *kilobytes * 1024;
}

std::optional<ProcessUsage> read_process_usage(int pid) {
  const std::string folder = fmt::format("/proc/{}/", pid);
  const auto ticks = ticks_of_stat(read_whole(folder + "stat"));
  const auto resident = resident_of_status(read_whole(folder + "status"));
  if (!ticks || !resident) return std::nullopt;
  return ProcessUsage{.resident_bytes = *resident, .cpu_s = static_cast<double>(*ticks) / static_cast<double>(sysconf(_SC_CLK_TCK))};
}

ProcessUsage own_usage() { return read_process_usage(getpid()).value_or(ProcessUsage{}); }

}  // namespace campanile::app::bench
