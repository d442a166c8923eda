#include "query/window.h"

#include <cstdlib>

namespace campanile::query {
namespace {

int64_t clamp_to_time(__int128 ns) { return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : static_cast<int64_t>(ns); }

}  // namespace

Window::Span Window::around(int64_t time_ns) const {
  const __int128 shifted = static_cast<__int128>(time_ns) - offset_ns;
  const int64_t zone_ns = zone ? zone->offset_ns(clamp_to_time(shifted)) : 0;
  __int128 into = (shifted + zone_ns) % every_ns;
  if (into < 0) into += every_ns;
  Span span{clamp_to_time(shifted - into + offset_ns), clamp_to_time(shifted - into + every_ns + offset_ns)};
  if (!zone) return span;
  // The clock may have changed between the edge and the time; windows shorter than the change stay as they are.
  const auto adjust = [&](int64_t edge_ns) {
    const int64_t change = zone_ns - zone->offset_ns(edge_ns);
    return change != 0 && std::llabs(change) < every_ns ? clamp_to_time(static_cast<__int128>(edge_ns) + change) : edge_ns;
  };
  return {adjust(span.start_ns), adjust(span.end_ns)};
}

int64_t floor_to(int64_t time_ns, int64_t every_ns) {
  const int64_t rest = time_ns % every_ns;
  const int64_t down = rest < 0 ? rest + every_ns : rest;
  return time_ns < INT64_MIN + down ? INT64_MIN / every_ns * every_ns : time_ns - down;
}

int64_t ceil_to(int64_t time_ns, int64_t every_ns) {
  const int64_t down = floor_to(time_ns, every_ns);
  return down == time_ns || down > INT64_MAX - every_ns ? down : down + every_ns;
}

}  // namespace campanile::query
