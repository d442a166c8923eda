#include "api/publish.h"

#include <memory>

#include <boost/json/parse.hpp>

#include "api/answers.h"
#include "base/text.h"

namespace campanile::api {
namespace {

constexpr std::string_view kForm = R"({"topic": "u4/302/light/command", "payload": "on", "qos": 1, "retain": false})";

// What the list of rejected messages shows as the sender.
constexpr std::string_view kSender = "http-api";

Result<void> read_member(const std::string& name, const boost::json::value& value, broker::OwnMessage& message) {
  const auto wanted = [&](std::string_view what) { return fail(ErrorCode::kInvalidArgument, "member {}: {} is wanted", name, what); };
  if (name == "topic" || name == "payload" || name == "payload_base64") {
    if (!value.is_string()) return wanted("a text");
    const std::string text(value.get_string());
    if (name == "topic") {
      message.topic = text;
    } else if (name == "payload") {
      message.payload = text;
    } else {
      auto bytes = base64_decode(text);
      if (!bytes) return wanted("base64");
      message.payload = std::move(*bytes);
    }
    return {};
  }
  if (name == "qos") {
    if (!value.is_int64() || value.get_int64() < 0 || value.get_int64() > 2) return wanted("0, 1 or 2");
    message.qos = static_cast<uint8_t>(value.get_int64());
    return {};
  }
  if (name == "retain") {
    if (!value.is_bool()) return wanted("true or false");
    message.retain = value.get_bool();
    return {};
  }
  return fail(ErrorCode::kInvalidArgument, "member '{}' is not known; a message is {}", excerpt(name), kForm);
}

}  // namespace

Result<broker::OwnMessage> read_message(std::string_view body) {
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error);
  const auto* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return fail(ErrorCode::kInvalidArgument, "the body is no JSON object; a message is {}", kForm);
  if (object->contains("payload") && object->contains("payload_base64")) {
    return fail(ErrorCode::kInvalidArgument, "payload and payload_base64 are both there; one of them is wanted");
  }
  broker::OwnMessage message{.client_id = std::string(kSender)};
  for (const auto& member : *object) TRY(read_member(std::string(member.key()), member.value(), message));
  if (message.topic.empty()) return fail(ErrorCode::kInvalidArgument, "member topic is missing; a message is {}", kForm);
  return message;
}

void PublishResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  auto message = read_message(request.body);
  if (!message) return responder.respond(error_answer(message.error()));
  const auto later = std::make_shared<net::HttpResponder>(std::move(responder));
  const bool retain = message->retain;
  broker_.publish(std::move(*message), [later, retain](const Result<bool>& published) {
    if (!published) return later->respond(error_answer(published.error()));
    boost::json::object answer{{"stored", true}};
    if (retain) answer["retained"] = *published;
    later->respond(json_answer(200, answer));
  });
}

}  // namespace campanile::api
