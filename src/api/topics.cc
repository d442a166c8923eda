#include "api/topics.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "api/payload_json.h"
#include "base/text.h"

namespace campanile::api {
namespace {

boost::json::value time_json(int64_t time_ns) { return time_ns == 0 ? boost::json::value(nullptr) : boost::json::value(to_ms(time_ns)); }

boost::json::object level_json(const broker::TopicLevel& level) {
  boost::json::object out{{"name", level.name},       {"path", level.path},   {"is_topic", level.is_topic},      {"topics", level.topics},
                          {"messages", level.messages}, {"bytes", level.bytes}, {"time_ms", time_json(level.time_ns)}};
  if (!level.is_topic) return out;
  // The beginning of what is no text says nothing.
  const bool cut = level.last.size() == broker::TopicWatch::kPreviewBytes;
  boost::json::object payload;
  add_payload(payload, level.last, level.last.size() + (cut ? 1 : 0), level.last.size());
  out["last"] = payload.at("encoding") == "utf-8" ? payload.at("payload") : boost::json::value(nullptr);
  return out;
}

boost::json::object message_json(const std::string& topic, const broker::TopicMessage& message) {
  boost::json::object out{{"topic", topic},           {"time_ms", time_json(message.time_ns)}, {"qos", message.qos}, {"retain", message.retain},
                          {"messages", message.messages}, {"bytes", message.bytes}};
  add_payload(out, message.payload, message.payload_bytes, message.payload.size());
  return out;
}

}  // namespace

void TopicsResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  broker::TopicQuery query{.under = {""}, .topic = std::string(request.parameter("topic").value_or(""))};
  for (const auto& [name, value] : request.parameters) {
    if (name != "under" || value.empty()) continue;
    if (!value.ends_with('/')) {
      return responder.respond(error_answer({ErrorCode::kInvalidArgument, fmt::format("parameter under is '{}'; a path ends with a slash, as in u4/302/", excerpt(value))}));
    }
    query.under.push_back(value);
  }
  if (query.under.size() > kPathsMax) {
    return responder.respond(error_answer({ErrorCode::kInvalidArgument, fmt::format("parameter under comes {} times; {} are possible", query.under.size() - 1, kPathsMax - 1)}));
  }
  run_answer(background_, std::move(responder), [this, query = std::move(query)] { return answer(query); });
}

net::HttpResponse TopicsResource::answer(const broker::TopicQuery& query) const {
  const broker::TopicView view = broker_.topics(query);
  boost::json::array paths;
  for (const auto& path : view.paths) {
    boost::json::array levels;
    for (const auto& level : path.levels) levels.push_back(level_json(level));
    paths.push_back(boost::json::object{{"under", path.under}, {"levels", std::move(levels)}, {"left_out", path.left_out}});
  }
  boost::json::object out{{"time_ms", to_ms(clock_.now_ns())}, {"since_ms", to_ms(view.since_ns)},         {"topics", view.topics},
                          {"topics_max", broker::TopicWatch::kTopicsMax}, {"left_out", view.left_out}, {"paths", std::move(paths)}};
  out["message"] = view.message ? boost::json::value(message_json(query.topic, *view.message)) : boost::json::value(nullptr);
  return json_answer(200, out);
}

}  // namespace campanile::api
