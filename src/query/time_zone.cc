#include "query/time_zone.h"

#include <exception>

#include <date/tz.h>

#include "base/clock.h"

namespace campanile::query {
namespace {

// Seconds are enough: no zone changes in between, and they cannot overflow the library's calendar.
int64_t floor_seconds(int64_t ns) { return ns / kNanosPerSecond - (ns % kNanosPerSecond < 0 ? 1 : 0); }

class SystemZone final : public TimeZone {
 public:
  explicit SystemZone(const date::time_zone* zone) : zone_(zone) {}

  int64_t offset_ns(int64_t utc_ns) const override {
    const date::sys_seconds at{std::chrono::seconds(floor_seconds(utc_ns))};
    return zone_->get_info(at).offset.count() * kNanosPerSecond;
  }

 private:
  const date::time_zone* zone_;
};

}  // namespace

// The offset that holds at the reading taken for UTC is at most one change away from the right one (as Go's time package has it).
int64_t TimeZone::to_utc(int64_t local_ns) const {
  int64_t guess_ns = 0;
  int64_t utc_ns = 0;
  if (__builtin_sub_overflow(local_ns, offset_ns(local_ns), &guess_ns)) return local_ns;
  if (__builtin_sub_overflow(local_ns, offset_ns(guess_ns), &utc_ns)) return local_ns;
  return utc_ns;
}

Result<std::shared_ptr<const TimeZone>> TimeZone::find(std::string_view name) {
  if (name.empty() || name == "UTC") name = "Etc/UTC";
  try {
    return std::make_shared<const SystemZone>(date::locate_zone(name));
  } catch (const std::exception&) {
    return fail(ErrorCode::kNotFound, "unable to find time zone {}", name);
  }
}

}  // namespace campanile::query
