#include "api/clients.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/answers.h"
#include "base/text.h"

namespace campanile::api {
namespace {

constexpr std::string_view kFolder = "/api/v1/clients/";
constexpr int64_t kDefaultLimit = 100;
constexpr int64_t kLimitMax = 1'000;
constexpr size_t kSubscriptionsShown = 1'000;

std::string_view protocol_name(mqtt::ProtocolVersion version) {
  switch (version) {
    case mqtt::ProtocolVersion::kV31: return "3.1";
    case mqtt::ProtocolVersion::kV311: return "3.1.1";
    case mqtt::ProtocolVersion::kV5: return "5";
  }
  return "";
}

boost::json::object client_json(const broker::ClientStatus& client) {
  return {{"id", client.client_id},
          {"connected", client.connected},
          {"since_ms", to_ms(client.since_ns)},
          {"user", client.user},
          {"address", client.peer},
          {"listener", client.listener},
          {"protocol", protocol_name(client.version)},
          {"keep_alive_s", client.keep_alive_s},
          {"session_expiry_s", client.expiry_s == UINT32_MAX ? boost::json::value(nullptr) : boost::json::value(client.expiry_s)},
          {"subscriptions", client.subscriptions},
          {"in_flight", client.in_flight},
          {"queued_messages", client.queued_messages},
          {"queued_bytes", client.queued_bytes},
          {"unsent_bytes", client.unsent_bytes},
          {"messages_in", client.messages_in},
          {"messages_out", client.messages_out},
          {"bytes_in", client.bytes_in},
          {"bytes_out", client.bytes_out},
          {"will_topic", client.will_topic}};
}

boost::json::object subscription_json(const broker::SubscriptionStatus& subscription) {
  return {{"client", subscription.client_id},   {"filter", subscription.filter},
          {"qos", subscription.qos},            {"no_local", subscription.no_local},
          {"retain_as_published", subscription.retain_as_published}, {"identifier", subscription.identifier}};
}

boost::json::array subscriptions_json(const std::vector<broker::SubscriptionStatus>& subscriptions) {
  boost::json::array out;
  for (const auto& subscription : subscriptions) out.push_back(subscription_json(subscription));
  return out;
}

net::HttpResponse unknown_client(std::string_view client_id) {
  return error_answer({ErrorCode::kNotFound, fmt::format("there is no client '{}', connected or away", excerpt(client_id))});
}

Result<broker::ClientQuery> read_query(const net::HttpRequest& request) {
  using State = broker::ClientQuery::State;
  broker::ClientQuery query{.after = std::string(request.parameter("cursor").value_or("")), .contains = std::string(request.parameter("contains").value_or(""))};
  query.count_max = static_cast<size_t>(TRY(integer_parameter(request, "limit", kDefaultLimit, 1, kLimitMax)));
  const std::string_view state = request.parameter("state").value_or("");
  if (state == "connected") {
    query.state = State::kConnected;
  } else if (state == "away") {
    query.state = State::kAway;
  } else if (!state.empty()) {
    return fail(ErrorCode::kInvalidArgument, "parameter state is '{}'; connected or away is wanted, or nothing for both", excerpt(state));
  }
  return query;
}

// Where a page of subscriptions ends: client and filter, neither of which can hold a zero [MQTT-1.5.4-2].
std::string write_cursor(const broker::SubscriptionStatus& last) { return base64_encode(last.client_id + std::string(1, '\0') + last.filter); }

Result<broker::SubscriptionQuery> read_subscription_query(const net::HttpRequest& request) {
  broker::SubscriptionQuery query{.contains = std::string(request.parameter("contains").value_or(""))};
  query.count_max = static_cast<size_t>(TRY(integer_parameter(request, "limit", kDefaultLimit, 1, kLimitMax)));
  const std::string_view cursor = request.parameter("cursor").value_or("");
  if (cursor.empty()) return query;
  const auto text = base64_decode(cursor);
  const size_t zero = text ? text->find('\0') : std::string::npos;
  if (zero == std::string::npos) return fail(ErrorCode::kInvalidArgument, "parameter cursor is '{}'; the `next` of the page before is wanted", excerpt(cursor));
  query.after_client = text->substr(0, zero);
  query.after_filter = text->substr(zero + 1);
  return query;
}

}  // namespace

void ClientsResource::list(net::HttpRequest request, net::HttpResponder responder) {
  auto query = read_query(request);
  if (!query) return responder.respond(error_answer(query.error()));
  const auto answer = [](const broker::ClientPage& page) {
    boost::json::array clients;
    for (const auto& client : page.clients) clients.push_back(client_json(client));
    const boost::json::value next = page.more ? boost::json::value(page.clients.back().client_id) : boost::json::value(nullptr);
    return json_answer(200, boost::json::object{{"matching", page.matching}, {"clients", std::move(clients)}, {"next", next}});
  };
  run_later(background_, std::move(responder), [this, query = std::move(*query), answer](const SharedResponder& later) {
    broker_.clients().page(query, [this, later, answer](broker::ClientPage page) {
      run_answer(background_, later, [page = std::move(page), answer] { return answer(page); });
    });
  });
}

void ClientsResource::show(net::HttpRequest request, net::HttpResponder responder) {
  std::string id = request.path.substr(kFolder.size());
  const auto answer = [id](const broker::ClientDetails& details) {
    if (!details.found) return unknown_client(id);
    return json_answer(200, boost::json::object{{"client", client_json(details.client)},
                                                {"subscriptions", subscriptions_json(details.subscriptions)},
                                                {"more", details.more}});
  };
  run_later(background_, std::move(responder), [this, id, answer](const SharedResponder& later) {
    broker_.clients().find(id, kSubscriptionsShown, [this, later, answer](broker::ClientDetails details) {
      run_answer(background_, later, [details = std::move(details), answer] { return answer(details); });
    });
  });
}

void ClientsResource::disconnect(net::HttpRequest request, net::HttpResponder responder) {
  const std::string id = request.path.substr(kFolder.size());
  const std::string_view wish = request.parameter("end_session").value_or("false");
  if (wish != "true" && wish != "false") {
    return responder.respond(error_answer({ErrorCode::kInvalidArgument, fmt::format("parameter end_session is '{}'; true or false is wanted", excerpt(wish))}));
  }
  const bool end_session = wish == "true";
  const auto later = std::make_shared<net::HttpResponder>(std::move(responder));
  broker_.disconnect_client(id, end_session, [later, id, end_session](bool found) {
    later->respond(found ? json_answer(200, {{"disconnected", id}, {"session_ended", end_session}}) : unknown_client(id));
  });
}

void ClientsResource::subscriptions(net::HttpRequest request, net::HttpResponder responder) {
  auto query = read_subscription_query(request);
  if (!query) return responder.respond(error_answer(query.error()));
  run_answer(background_, std::move(responder), [this, query = std::move(*query)] {
    const broker::SubscriptionPage page = broker_.clients().subscriptions(query);
    const boost::json::value next = page.more && !page.subscriptions.empty() ? boost::json::value(write_cursor(page.subscriptions.back())) : boost::json::value(nullptr);
    return json_answer(200, boost::json::object{{"total", broker_.status().subscriptions}, {"subscriptions", subscriptions_json(page.subscriptions)}, {"next", next}});
  });
}

}  // namespace campanile::api
