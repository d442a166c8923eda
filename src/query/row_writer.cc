#include "query/row_writer.h"

#include <cstring>

namespace campanile::query {
namespace {

constexpr size_t kBatchRows = 1024;

}  // namespace

RowWriter::RowWriter(const SelectPlan& plan, const Context& context, RowSink& sink) : plan_(plan), context_(context), sink_(sink) {
  batch_.width = plan.outputs.size();
}

void RowWriter::begin(const Group& group) {
  group_ = &group;
  seen_ = 0;
  written_ = 0;
  begun_ = false;
}

Result<bool> RowWriter::add(int64_t time_ns, std::span<const Value> slots) {
  if (seen_++ < plan_.offset) return true;
  if (++total_ > context_.limits.rows_max) {
    return fail(ErrorCode::kTooLarge, "the answer has more than {} rows; narrow the time range, or use LIMIT or GROUP BY time()",
                context_.limits.rows_max);
  }
  batch_.times_ns.push_back(time_ns);
  for (const Expression& output : plan_.outputs) batch_.values.push_back(keep(evaluate(output, slots)));
  ++written_;
  if (batch_.times_ns.size() == kBatchRows) TRY(flush());
  return plan_.limit == 0 || written_ < plan_.limit;
}

Value RowWriter::keep(const Value& value) {
  if (!value || value->type() != FieldType::kString) return value;
  const std::string_view text = value->as_string();
  if (text.empty()) return FieldValue::of_string("");
  auto* const copy = static_cast<char*>(strings_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return FieldValue::of_string({copy, text.size()});
}

Result<void> RowWriter::end() {
  if (!batch_.times_ns.empty()) TRY(flush());
  return {};
}

Result<void> RowWriter::flush() {
  TRY(check_cancelled(context_));
  if (!begun_) TRY(sink_.begin_series(group_->name, group_->tags));
  begun_ = true;
  TRY(sink_.rows(batch_));
  batch_.times_ns.clear();
  batch_.values.clear();
  strings_.release();
  return {};
}

}  // namespace campanile::query
