// Some points of each window: the greatest, the least, or any.
#include <algorithm>
#include <string>

#include <absl/container/flat_hash_map.h>

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
    // As they came, or where series came in turn, by time and as they came.
    std::sort(rows.begin(), rows.end(), [this](const PickedRow& a, const PickedRow& b) {
      return plan_.ascending && a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.rank < b.rank;
    });
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

// The greatest or the least; of equal ones the earlier. Most points are none of them, so what they hold is copied only once that is known.
class ExtremesStage final : public PickStage {
 public:
  using PickStage::PickStage;

 private:
  // What places a point among the others.
  struct Standing {
    FieldValue value;
    int64_t time_ns;
    uint64_t rank;
  };
  Standing standing_of(const PickedRow& row) const { return {*row.slots[pick().input], row.time_ns, row.rank}; }

  bool is_better(const Standing& a, const Standing& b) const {
    const bool greatest = pick().kind == Pick::Kind::kTop;
    if (a.value.type() == FieldType::kFloat && b.value.type() == FieldType::kFloat) {
      const double left = a.value.as_float();
      const double right = b.value.as_float();
      if (left != right) return greatest ? left > right : left < right;
    } else if (*apply(Expression::Op::kNotEqual, a.value, b.value) == FieldValue::of_boolean(true)) {
      return apply(greatest ? Expression::Op::kGreater : Expression::Op::kLess, a.value, b.value)->as_boolean();
    }
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.rank < b.rank;
  }
  auto by_standing() const {
    return [this](const PickedRow& a, const PickedRow& b) { return is_better(standing_of(a), standing_of(b)); };
  }

  void take(int64_t time_ns, uint64_t rank, std::span<const Value> slots) override {
    const Standing standing{*slots[pick().input], time_ns, rank};
    if (pick().distinct) {
      take_best_of_tags(standing, slots);
      return;
    }
    // The heap's top is the worst that is kept.
    if (rows_.size() == pick().count) {
      if (!is_better(standing, standing_of(rows_.front()))) return;
      std::pop_heap(rows_.begin(), rows_.end(), by_standing());
      rows_.pop_back();
    }
    rows_.emplace_back().assign(time_ns, rank, slots);
    std::push_heap(rows_.begin(), rows_.end(), by_standing());
  }

  void take_best_of_tags(const Standing& standing, std::span<const Value> slots) {
    key_.clear();
    for (const size_t tag : pick().tags) {
      if (slots[tag]) key_ += slots[tag]->as_string();
      key_ += '\0';
    }
    const auto found = by_tags_.find(key_);
    if (found == by_tags_.end()) {
      by_tags_[key_].assign(standing.time_ns, standing.rank, slots);
    } else if (is_better(standing, standing_of(found->second))) {
      found->second.assign(standing.time_ns, standing.rank, slots);
    }
  }

  size_t kept() const override { return rows_.size() + by_tags_.size(); }

  std::vector<PickedRow> picked() override {
    for (auto& [key, row] : by_tags_) rows_.push_back(std::move(row));
    by_tags_.clear();
    std::sort(rows_.begin(), rows_.end(), by_standing());
    if (rows_.size() > pick().count) rows_.resize(pick().count);
    return std::exchange(rows_, {});
  }

  std::vector<PickedRow> rows_;
  absl::flat_hash_map<std::string, PickedRow> by_tags_;
  std::string key_;  // of the row that is taken
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
