#include "query/stage.h"

#include <cstring>

#include "query/transformation.h"

namespace campanile::query {
namespace {

// Runs a Transformation over a slot of each group's rows.
class TransformStage final : public GroupSink {
 public:
  TransformStage(const SelectPlan& plan, const Transform& transform, const Context& context, GroupSink& next)
      : plan_(plan), transform_(transform), context_(context), next_(next) {}

  void begin(const Group& group) override {
    transformation_ = make_transformation(transform_, plan_.ascending);
    full_ = false;
    next_.begin(group);
  }

  Result<bool> add(int64_t time_ns, std::span<const Value> slots) override {
    const Value& slot = slots[transform_.slot];
    if (!slot) return true;
    if (transformation_->values_held() > context_.limits.values_max) {
      return fail(ErrorCode::kTooLarge, "the average or forecast would have to keep more than {} values; narrow the time range or use GROUP BY", context_.limits.values_max);
    }
    const Value value = transformation_->add(time_ns, *slot);
    if (!value) return true;
    full_ = !TRY(next_.add(time_ns, {&value, 1}));
    return !full_;
  }

  Result<void> end() override {
    const auto cancelled = [this] { return context_.cancelled && context_.cancelled(); };
    for (const auto& [time_ns, number] : transformation_->finish(cancelled)) {
      TRY(check_cancelled(context_));
      const Value value = FieldValue::of_float(number);
      if (full_ || !TRY(next_.add(time_ns, {&value, 1}))) break;
    }
    return next_.end();
  }

 private:
  const SelectPlan& plan_;
  const Transform& transform_;
  const Context& context_;
  GroupSink& next_;
  std::unique_ptr<Transformation> transformation_;
  bool full_ = false;
};

}  // namespace

std::vector<std::unique_ptr<GroupSink>> make_stages(const SelectPlan& plan, const Context& context, GroupSink& next) {
  std::vector<std::unique_ptr<GroupSink>> made;
  for (auto stage = plan.stages.rbegin(); stage != plan.stages.rend(); ++stage) {
    GroupSink& after = made.empty() ? next : *made.back();
    if (const auto* transform = std::get_if<Transform>(&*stage)) made.push_back(std::make_unique<TransformStage>(plan, *transform, context, after));
    if (const auto* integral = std::get_if<Integral>(&*stage)) made.push_back(make_integral_stage(plan, *integral, after));
    if (const auto* pick = std::get_if<Pick>(&*stage)) made.push_back(make_pick_stage(plan, *pick, context, after));
  }
  return made;
}

size_t slots_of(const SelectPlan& plan) {
  if (!plan.stages.empty() && !std::holds_alternative<Pick>(plan.stages.back())) return 1;
  return plan.aggregates.empty() ? plan.inputs.size() : plan.aggregates.size();
}

KeptRows::KeptRows(const SelectPlan& part, const Context& context) : part_(part), width_(slots_of(part)), context_(context) {}

std::vector<Value> KeptRows::filling(size_t next_row) const {
  const bool repeats = part_.window && part_.fill.kind == Fill::Kind::kPrevious && next_row > 0;
  if (!repeats) return std::vector<Value>(width_, part_.missing);
  const auto last = row(next_row - 1);
  return {last.begin(), last.end()};
}

Result<bool> KeptRows::add(int64_t time_ns, std::span<const Value> slots) {
  if (values_.size() + width_ > context_.limits.values_max) {
    return fail(ErrorCode::kTooLarge, "putting several functions' rows side by side would have to keep more than {} values; narrow the time range or ask for fewer at a time",
                context_.limits.values_max);
  }
  times_ns_.push_back(time_ns);
  for (const Value& value : slots.first(width_)) {
    if (!value || value->type() != FieldType::kString || value->as_string().empty()) {
      values_.push_back(value);
      continue;
    }
    const std::string_view text = value->as_string();
    auto* const copy = static_cast<char*>(strings_.allocate(text.size(), 1));
    std::memcpy(copy, text.data(), text.size());
    values_.emplace_back(FieldValue::of_string({copy, text.size()}));
  }
  return true;
}

Result<void> join_rows(std::span<const std::unique_ptr<KeptRows>> parts, bool ascending, GroupSink& next) {
  std::vector<size_t> places(parts.size(), 0);
  std::vector<Value> slots;
  for (;;) {
    std::optional<int64_t> time_ns;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (places[i] == parts[i]->size()) continue;
      const int64_t own = parts[i]->time_ns(places[i]);
      if (!time_ns || (ascending ? own < *time_ns : own > *time_ns)) time_ns = own;
    }
    if (!time_ns) return {};
    slots.clear();
    for (size_t i = 0; i < parts.size(); ++i) {
      const bool stands_there = places[i] < parts[i]->size() && parts[i]->time_ns(places[i]) == *time_ns;
      if (stands_there) {
        const auto row = parts[i]->row(places[i]++);
        slots.insert(slots.end(), row.begin(), row.end());
      } else {
        const std::vector<Value> filling = parts[i]->filling(places[i]);
        slots.insert(slots.end(), filling.begin(), filling.end());
      }
    }
    if (!TRY(next.add(*time_ns, slots))) return {};
  }
}

}  // namespace campanile::query
