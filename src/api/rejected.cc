#include "api/rejected.h"

#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "base/text.h"

namespace campanile::api {
namespace {

constexpr int64_t kDefaultLimit = 100;
constexpr int64_t kLimitMax = 1'000;

std::string id_text(uint64_t id) { return fmt::format("{:016x}", id); }

Result<uint64_t> parse_id(std::string_view text) {
  uint64_t id = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc() || stop != text.data() + text.size()) {
    return fail(ErrorCode::kInvalidArgument, "parameter before is '{}'; the id of a message of the page before is wanted", excerpt(text));
  }
  return id;
}

boost::json::object message_json(const ingest::RejectedMessage& message) {
  const bool is_text = is_valid_utf8(message.payload);
  return {{"id", id_text(message.id)},
          {"time_ms", to_ms(message.time_ns)},
          {"topic", message.topic},
          {"client", message.client},
          {"decoder", message.decoder},
          {"reason", message.reason},
          {"payload", is_text ? message.payload : base64_encode(message.payload)},
          {"encoding", is_text ? "utf-8" : "base64"},
          {"payload_bytes", message.payload_bytes}};
}

}  // namespace

RejectedResource::RejectedResource(const ingest::RejectedStore& store, Background background)
    : store_(store), background_(std::move(background)) {}

void RejectedResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  const auto limit = integer_parameter(request, "limit", kDefaultLimit, 1, kLimitMax);
  if (!limit) return responder.respond(error_answer(limit.error()));
  const auto before_text = request.parameter("before");
  const auto before = before_text && !before_text->empty() ? parse_id(*before_text) : Result<uint64_t>(0);
  if (!before) return responder.respond(error_answer(before.error()));
  run_answer(background_, std::move(responder), [this, limit = static_cast<size_t>(*limit), before = *before] { return answer(limit, before); });
}

net::HttpResponse RejectedResource::answer(size_t limit, uint64_t before) const {
  const auto page = store_.list(limit, before);
  if (!page) return error_answer(page.error());
  boost::json::object by_reason;
  for (const auto& [reason, count] : page->by_reason) by_reason[reason] = count;
  boost::json::array messages;
  for (const auto& message : page->messages) messages.push_back(message_json(message));
  return json_answer(200, boost::json::object{
                              {"total", page->total}, {"kept", page->kept}, {"by_reason", std::move(by_reason)}, {"messages", std::move(messages)}});
}

}  // namespace campanile::api
