#include "api/retained.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "api/payload_json.h"
#include "base/text.h"
#include "mqtt/topic.h"

namespace campanile::api {
namespace {

constexpr int64_t kDefaultLimit = 100;
constexpr int64_t kLimitMax = 1'000;
constexpr size_t kPayloadBytesMax = 4096;

boost::json::object message_json(const broker::Message& message) {
  boost::json::object out{{"topic", message.topic}, {"time_ms", to_ms(message.published_ns)}, {"qos", message.qos}};
  out["expires_ms"] = message.expires_ns == 0 ? boost::json::value(nullptr) : boost::json::value(to_ms(message.expires_ns));
  add_payload(out, message.payload, message.payload.size(), kPayloadBytesMax);
  return out;
}

}  // namespace

void RetainedResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  const auto limit = integer_parameter(request, "limit", kDefaultLimit, 1, kLimitMax);
  if (!limit) return responder.respond(error_answer(limit.error()));
  std::string filter(request.parameter("filter").value_or("#"));
  if (!mqtt::is_valid_filter(filter, mqtt::kTopicLevelsLimit)) {
    return responder.respond(error_answer({ErrorCode::kInvalidArgument, fmt::format("parameter filter is '{}'; a topic filter such as u4/# is wanted", excerpt(filter))}));
  }
  std::string after(request.parameter("cursor").value_or(""));
  run_answer(background_, std::move(responder), [this, filter = std::move(filter), after = std::move(after), limit = static_cast<size_t>(*limit)] {
    std::vector<broker::MessagePtr> found;
    store_.collect(filter, after, limit + 1, clock_.now_ns(), found);
    const bool more = found.size() > limit;
    if (more) found.pop_back();
    boost::json::array messages;
    for (const auto& message : found) messages.push_back(message_json(*message));
    const boost::json::value next = more ? boost::json::value(found.back()->topic) : boost::json::value(nullptr);
    return json_answer(200, boost::json::object{{"total", store_.size()}, {"messages", std::move(messages)}, {"next", next}});
  });
}

}  // namespace campanile::api
