// Transformation: a stream of values that becomes another one: differences, running sums, averages, forecasts.
//
//   auto made = make_transformation({.kind = Transform::Kind::kDifference}, true);
//   if (auto value = made->add(time_ns, 2.5)) use(time_ns, *value);
//   for (const auto& [time_ns, value] : made->finish(cancelled)) use(time_ns, value);
//
// Values are numbers, except that kElapsed takes anything. What comes out has the time of the value that went in last; a forecast comes with finish() alone.
// Threads: one owner. Limits: what keeps every value says how many (values_held).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "query/plan.h"
#include "query/value.h"

namespace campanile::query {

class Transformation {
 public:
  virtual ~Transformation() = default;
  // Times ascend, or descend where it was made for that; several may be equal.
  virtual Value add(int64_t time_ns, const FieldValue& value) = 0;
  // May take long; ends early, with whatever, once `cancelled` says so.
  virtual std::vector<std::pair<int64_t, double>> finish(const std::function<bool()>& /*cancelled*/) { return {}; }
  virtual uint64_t values_held() const { return 0; }
};

// Whether it can take values of that type, and what it makes of them.
bool accepts(Transform::Kind kind, FieldType type);
FieldType result_type(Transform::Kind kind, FieldType type);

// REQUIRES: accepts(transform.kind, transform.type); values of that type are added.
std::unique_ptr<Transformation> make_transformation(const Transform& transform, bool ascending);

// The parts of it that have a file each.
std::unique_ptr<Transformation> make_average(const Transform& transform);
std::unique_ptr<Transformation> make_forecast(const Transform& transform);

}  // namespace campanile::query
