#include "api/derived.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "base/clock.h"

namespace campanile::api {
namespace {

boost::json::object derived_json(const DerivedView& derived) {
  const bool has_begun = derived.complete_to_ns != INT64_MIN;
  return {{"set", derived.set},
          {"database", derived.database},
          {"measurement", derived.measurement},
          {"level", derived.level},
          {"sources", boost::json::array(derived.sources.begin(), derived.sources.end())},
          {"keep_s", derived.keep_ns / kNanosPerSecond},
          {"complete_to_ms", has_begun ? boost::json::value(to_ms(derived.complete_to_ns)) : boost::json::value(nullptr)},
          {"stale_windows", derived.stale_windows},
          {"stale_series", derived.stale_series},
          {"missing_windows", derived.missing_windows},
          {"rows", derived.rows},
          {"error", derived.error.empty() ? boost::json::value(nullptr) : boost::json::value(derived.error)}};
}

}  // namespace

void DerivedResource::handle(net::HttpRequest, net::HttpResponder responder) {
  run_answer(background_, std::move(responder), [this] {
    boost::json::array all;
    for (const DerivedView& each : list_()) all.push_back(derived_json(each));
    return json_answer(200, {{"derived", std::move(all)}});
  });
}

}  // namespace campanile::api
