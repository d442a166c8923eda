// Some points of each window: the greatest, the least, or any.
#include <algorithm>
#include <map>
#include <string>

#include "base/random.h"
#include "query/stage.h"

namespace campanile::query {
namespace {

// A point with all its inputs, which own their strings.
struct PickedRow {
  int64_t time_ns = 0;
  uint64_t rank = 0;  // among the rows of the window, as they came
  std::vector<Value> slots;
  std::vector<std::string> strings;

  void assign(int64_t time, uint64_t place, std::span<const Value> from) {
    time_ns = time;
    rank = place;
    slots.assign(from.begin(), from.end());
    strings.assign(from.size(), {});
    for (size_t i = 0; i < from.size(); ++i) {
      if (from[i] && from[i]->type() == FieldType::kString) strings[i] = std::string(from[i]->as_string());
    }
  }
  std::vector<Value> row() const {
    std::vector<Value> made = slots;
    for (size_t i = 0; i < made.size(); ++i) {
      if (made[i] && made[i]->type() == FieldType::kString) made[i] = FieldValue::of_string(strings[i]);
    }
    return made;
  }
};

class PickStage : public GroupSink {
 public:
  PickStage(const SelectPlan& plan, const Pick& pick, const Context& context, GroupSink& next) : plan_(plan), pick_(pick), context_(context), next_(next) {}

  void begin(const Group& group) override {
    clear();
    is_open_ = false;
    full_ = false;
    next_.begin(group);
  }

  Result<bool> add(int64_t time_ns, std::span<const Value> slots) override {
    if (!slots[pick_.input]) return true;
    if (plan_.window && (!is_open_ || time_ns < window_.start_ns || time_ns >= window_.end_ns)) {
      TRY(flush());
      window_ = plan_.window->around(time_ns);
    }
    is_open_ = true;
    take(time_ns, seen_++, slots);
    if (kept() * slots.size() > context_.limits.values_max) {
      return fail(ErrorCode::kTooLarge, "picking so many points would have to keep more than {} values; ask for fewer", context_.limits.values_max);
    }
    return !full_;
  }

  Result<void> end() override {
    TRY(flush());
    return next_.end();
  }

 protected:
  virtual void take(int64_t time_ns, uint64_t rank, std::span<const Value> slots) = 0;
  virtual size_t kept() const = 0;
  // Those that were picked, in any order; nothing is kept any more.
  virtual std::vector<PickedRow> picked() = 0;
  const Pick& pick() const { return pick_; }

 private:
  void clear() {
    picked();
    seen_ = 0;
  }

  Result<void> flush() {
    if (!is_open_) return {};
    std::vector<PickedRow> rows = picked();
    // As they came, which is in the order of time.
    std::sort(rows.begin(), rows.end(), [](const PickedRow& a, const PickedRow& b) { return a.rank < b.rank; });
    for (const PickedRow& row : rows) {
      if (full_) break;
      full_ = !TRY(next_.add(row.time_ns, row.row()));
    }
    seen_ = 0;
    is_open_ = false;
    return {};
  }

  const SelectPlan& plan_;
  const Pick& pick_;
  const Context& context_;
  GroupSink& next_;
  Window::Span window_{};
  bool is_open_ = false;
  bool full_ = false;
  uint64_t seen_ = 0;
};

// The greatest or the least; of equal ones the earlier.
class ExtremesStage final : public PickStage {
 public:
  using PickStage::PickStage;

 private:
  bool is_better(const PickedRow& a, const PickedRow& b) const {
    const Value& left = a.slots[pick().input];
    const Value& right = b.slots[pick().input];
    const auto wanted = pick().kind == Pick::Kind::kTop ? Expression::Op::kGreater : Expression::Op::kLess;
    if (apply(Expression::Op::kNotEqual, left, right)->as_boolean()) return apply(wanted, left, right)->as_boolean();
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.rank < b.rank;
  }

  void take(int64_t time_ns, uint64_t rank, std::span<const Value> slots) override {
    PickedRow row;
    row.assign(time_ns, rank, slots);
    if (pick().distinct) {
      take_best_of_tags(std::move(row));
      return;
    }
    // The heap's top is the worst that is kept.
    const auto better = [this](const PickedRow& a, const PickedRow& b) { return is_better(a, b); };
    if (rows_.size() == pick().count) {
      if (!is_better(row, rows_.front())) return;
      std::pop_heap(rows_.begin(), rows_.end(), better);
      rows_.pop_back();
    }
    rows_.push_back(std::move(row));
    std::push_heap(rows_.begin(), rows_.end(), better);
  }

  void take_best_of_tags(PickedRow row) {
    std::string key;
    for (const size_t tag : pick().tags) {
      key += row.strings[tag];
      key += '\0';
    }
    const auto [place, is_new] = by_tags_.try_emplace(std::move(key));
    if (is_new || is_better(row, place->second)) place->second = std::move(row);
  }

  size_t kept() const override { return rows_.size() + by_tags_.size(); }

  std::vector<PickedRow> picked() override {
    for (auto& [key, row] : by_tags_) rows_.push_back(std::move(row));
    by_tags_.clear();
    std::sort(rows_.begin(), rows_.end(), [this](const PickedRow& a, const PickedRow& b) { return is_better(a, b); });
    if (rows_.size() > pick().count) rows_.resize(pick().count);
    return std::exchange(rows_, {});
  }

  std::vector<PickedRow> rows_;
  std::map<std::string, PickedRow> by_tags_;
};

// Any points, each with the same chance: one that comes later takes the place of one that is kept.
class SampleStage final : public PickStage {
 public:
  SampleStage(const SelectPlan& plan, const Pick& pick, const Context& context, GroupSink& next) : PickStage(plan, pick, context, next), random_(context.seed) {}

 private:
  void take(int64_t time_ns, uint64_t rank, std::span<const Value> slots) override {
    if (rows_.size() < pick().count) {
      rows_.emplace_back().assign(time_ns, rank, slots);
      return;
    }
    const uint64_t place = random_.below(rank + 1);
    if (place < rows_.size()) rows_[place].assign(time_ns, rank, slots);
  }
  size_t kept() const override { return rows_.size(); }
  std::vector<PickedRow> picked() override { return std::exchange(rows_, {}); }

  Random random_;
  std::vector<PickedRow> rows_;
};

}  // namespace

std::unique_ptr<GroupSink> make_pick_stage(const SelectPlan& plan, const Pick& pick, const Context& context, GroupSink& next) {
  if (pick.kind == Pick::Kind::kSample) return std::make_unique<SampleStage>(plan, pick, context, next);
  return std::make_unique<ExtremesStage>(plan, pick, context, next);
}

}  // namespace campanile::query
