// The area under the values of each window. Where a window ends between two points, the value there is interpolated.
#include <optional>

#include "query/stage.h"

namespace campanile::query {
namespace {

class IntegralStage final : public GroupSink {
 public:
  IntegralStage(const SelectPlan& plan, const Integral& integral, GroupSink& next) : plan_(plan), integral_(integral), next_(next) {}

  void begin(const Group& group) override {
    last_.reset();
    area_ = 0;
    next_.begin(group);
  }

  Result<bool> add(int64_t time_ns, std::span<const Value> slots) override {
    if (!slots[integral_.input]) return true;
    const double value = slots[integral_.input]->as_number();
    bool more = true;
    if (!last_) {
      enter_window(time_ns);
    } else if (last_->time_ns == time_ns) {
      last_->value = value;  // of several values at one time the last one counts
      return true;
    } else if (plan_.window && has_left(time_ns)) {
      if (last_->time_ns != end_ns_) {
        const double at_end = last_->value + (value - last_->value) * span(last_->time_ns, end_ns_) / span(last_->time_ns, time_ns);
        area_ += area(last_->time_ns, last_->value, end_ns_, at_end);
        last_ = Point{end_ns_, at_end};
      }
      more = TRY(write());
      enter_window(time_ns);
    }
    if (last_) area_ += area(last_->time_ns, last_->value, time_ns, value);
    last_ = Point{time_ns, value};
    return more;
  }

  Result<void> end() override {
    // A point on the edge of a window has no area in it.
    if (last_ && last_->time_ns != start_ns_) TRY(write());
    return next_.end();
  }

 private:
  struct Point {
    int64_t time_ns;
    double value;
  };

  static double span(int64_t from_ns, int64_t to_ns) { return static_cast<double>(static_cast<__int128>(to_ns) - from_ns); }
  double area(int64_t from_ns, double from, int64_t to_ns, double to) const {
    return 0.5 * (from + to) * (span(from_ns, to_ns) / static_cast<double>(integral_.unit_ns));
  }

  // In a descending answer windows are entered at their ends.
  void enter_window(int64_t time_ns) {
    if (!plan_.window) return;
    const Window::Span window = plan_.window->around(time_ns);
    start_ns_ = plan_.ascending ? window.start_ns : window.end_ns;
    end_ns_ = plan_.ascending ? window.end_ns : window.start_ns;
  }
  bool has_left(int64_t time_ns) const { return plan_.ascending ? time_ns >= end_ns_ : time_ns <= end_ns_; }

  Result<bool> write() {
    const Value value = FieldValue::of_float(std::exchange(area_, 0));
    return next_.add(start_ns_, {&value, 1});
  }

  const SelectPlan& plan_;
  const Integral& integral_;
  GroupSink& next_;
  std::optional<Point> last_;
  double area_ = 0;
  int64_t start_ns_ = 0;  // without windows the row has this time, as InfluxDB has it
  int64_t end_ns_ = 0;
};

}  // namespace

std::unique_ptr<GroupSink> make_integral_stage(const SelectPlan& plan, const Integral& integral, GroupSink& next) {
  return std::make_unique<IntegralStage>(plan, integral, next);
}

}  // namespace campanile::query
