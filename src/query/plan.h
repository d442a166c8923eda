// SelectPlan: what a query asks for, in no language's terms. A language's planner makes it; the executor runs it.
//
// A row of a group is made of slots. Without aggregates the slots are the inputs of one point. With aggregates they are
// their results, then (where `selector` is set) the inputs of the point that the one selecting aggregate picked.
// `outputs` are computed from the slots; the time stands beside them.
//
// Where the plan has `stages`, rows pass through them first: a Transform or an Integral makes rows of one slot of them, a Pick lets some of them pass.
// Where it has `parts`, each is a plan of its own for the same groups, and their rows are put side by side by time: a row's slots are those of the
// first part's rows, then those of the second's, and so on; nulls where a part has no row of that time.
//
//   SelectPlan plan;
//   plan.sources = {{"cpu", "cpu", reader}};
//   plan.inputs = {{Input::Kind::kField, "usage", FieldType::kFloat, true}};
//   plan.aggregates = {{Function::kMean, 0}};
//   plan.window = Window{.every_ns = kMinute};
//   plan.outputs = {Expression::of_input(0)};
//   TRY(execute(plan, context, sink));
//
// Threads: a plan is not changed while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "query/expression.h"
#include "query/window.h"
#include "tsdb/change_watch.h"
#include "tsdb/reader.h"

namespace campanile::query {

// One measurement to read. Sources of the same name make the same output series.
struct Source {
  std::string name;
  std::string measurement;
  std::shared_ptr<const tsdb::Reader> reader;
  // What of it is read, where that is not the plan's range: the rows of a subquery are chosen by that, and one stands at the start of its window.
  std::optional<tsdb::TimeRange> range;
  // Whose measurement it is, where it is one of the store's: tiers may be used for it.
  std::optional<tsdb::BucketId> bucket;
  // What is said of the tiers that are: "1h of rooms_downsample_1h".
  std::vector<std::string> tiers;
};

// Something of a point that the filter, an aggregate or an output looks at.
struct Input {
  enum class Kind : uint8_t { kField, kTag };
  Kind kind = Kind::kField;
  std::string name;
  // What the values come as. A column of another numeric type is converted; any other column counts as absent.
  FieldType type = FieldType::kFloat;
  // Whether a point with this field alone makes a row. Fields that only the filter reads do not.
  bool makes_rows = true;
};

enum class Function : uint8_t { kCount, kSum, kMean, kMin, kMax, kFirst, kLast, kSpread, kStddev, kMedian, kPercentile, kMode, kDistinct, kCountDistinct };

struct Aggregate {
  Function function = Function::kCount;
  size_t input = 0;      // a field
  double argument = 0;   // kPercentile: 0 to 100
};

// What a row's value becomes by those before it.
struct Transform {
  enum class Kind : uint8_t {
    kDerivative, kNonNegativeDerivative, kDifference, kNonNegativeDifference, kElapsed, kCumulativeSum, kMovingAverage,
    kExponentialMovingAverage, kDoubleExponentialMovingAverage, kTripleExponentialMovingAverage, kTripleExponentialDerivative,
    kRelativeStrengthIndex, kChandeMomentumOscillator, kKaufmansEfficiencyRatio, kKaufmansAdaptiveMovingAverage,
    kHoltWinters, kHoltWintersWithFit,
  };
  enum class Warmup : uint8_t { kExponential, kSimple, kNone };
  Kind kind = Kind::kDifference;
  size_t slot = 0;
  FieldType type = FieldType::kFloat;  // of the values that come
  int64_t unit_ns = 1;                 // kDerivative: of time; kElapsed: of the answer; kHoltWinters: between two points
  int64_t period = 1;                  // kMovingAverage and the averages: values
  int64_t hold = -1;                   // the averages: values before the first answer; -1: as many as it takes
  Warmup warmup = Warmup::kExponential;
  int64_t predictions = 0;             // kHoltWinters
  int64_t season = 0;                  // kHoltWinters: points; 0 and 1: none
};

// The area under the values of each window, by trapeziums.
struct Integral {
  size_t input = 0;
  int64_t unit_ns = 1;
};

// Some points of each window, with their own times.
struct Pick {
  enum class Kind : uint8_t { kTop, kBottom, kSample };
  Kind kind = Kind::kTop;
  size_t input = 0;
  uint64_t count = 1;
  std::vector<size_t> tags;  // inputs: one point for each combination of their values. Those of fields count as absent.
  bool distinct = false;     // whether tags were named, be they there or not
};

using Stage = std::variant<Transform, Integral, Pick>;

struct Fill {
  enum class Kind : uint8_t { kNone, kNull, kPrevious, kLinear, kNumber };
  Kind kind = Kind::kNone;
  FieldValue number;  // kNumber: a float or an integer
};

struct SelectPlan {
  std::vector<Source> sources;
  tsdb::TagPredicate series;        // must admit every series that `filter` can
  tsdb::TimeRange range;
  bool has_lower_bound = false;     // whether range.from_ns was asked for: windows start there, and so does a single row
  bool ascending = true;
  std::vector<std::string> group_by;  // tag keys, sorted
  std::vector<Input> inputs;
  Expression filter = Expression::of_constant(FieldValue::of_boolean(true));
  std::vector<Aggregate> aggregates;
  bool selector = false;            // one aggregate that picks a point: kMin, kMax, kFirst, kLast, kPercentile
  std::optional<Window> window;
  Fill fill;                        // with a window
  std::vector<Stage> stages;        // one after another; an Integral or a Pick comes first, in a plan without aggregates
  std::vector<SelectPlan> parts;    // theirs are the inputs, filters and ranges; they have no outputs
  Value missing;                    // of a part: what stands in its slots in a row that it has no part in
  std::vector<Expression> outputs;
  uint64_t limit = 0;               // rows of each group; 0: all
  uint64_t offset = 0;
  uint64_t series_limit = 0;        // groups of each measurement; 0: all
  uint64_t series_offset = 0;
};

struct Limits {
  uint64_t series_max = 1'000'000;       // that a statement may read
  uint64_t open_columns_max = 20'000;    // merged at a time, one decoded block each
  uint64_t windows_max = 1'000'000;      // held for one group
  uint64_t values_max = 10'000'000;      // held for medians, percentiles and the like
  uint64_t rows_max = 10'000'000;        // that a statement may answer
};

struct Context {
  Limits limits;
  // Runs a task on another thread, or answers false where none is free. Aggregates are shared out so, among at most that many other threads. May be
  // empty: all is done by the thread that calls. What the query needs is not touched after execute() has returned, also by tasks that begin later.
  std::function<bool(std::move_only_function<void()>)> help;
  size_t helpers_max = 0;
  // Asked between blocks, by whichever thread works on them; true stops the query with kCancelled and the message below. May be empty.
  std::function<bool()> cancelled;
  std::string cancelled_message = "query interrupted";
  std::function<bool()> killed;  // whether somebody wanted it to end, which the message says then; may be empty
  uint64_t seed = 0;  // of what is picked at random
};

}  // namespace campanile::query
