#include "api/derived.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "base/clock.h"

namespace campanile::api {

void DerivedResource::handle(net::HttpRequest, net::HttpResponder responder) {
  boost::json::array all;
  for (const DerivedView& each : list_()) {
    const bool has_begun = each.complete_to_ns != INT64_MIN;
    all.push_back({{"set", each.set},
                   {"database", each.database},
                   {"measurement", each.measurement},
                   {"level", each.level},
                   {"sources", boost::json::array(each.sources.begin(), each.sources.end())},
                   {"keep_s", each.keep_ns / kNanosPerSecond},
                   {"complete_to_ms", has_begun ? boost::json::value(to_ms(each.complete_to_ns)) : boost::json::value(nullptr)},
                   {"stale_windows", each.stale_windows},
                   {"stale_series", each.stale_series},
                   {"missing_windows", each.missing_windows},
                   {"rows", each.rows},
                   {"error", each.error.empty() ? boost::json::value(nullptr) : boost::json::value(each.error)}});
  }
  responder.respond(json_answer(200, {{"derived", std::move(all)}}));
}

}  // namespace campanile::api
