#include "api/clients.h"

#include "tests/api/broker_server.h"

namespace campanile::api {
namespace {

class ClientsTest : public testing::Test {
 protected:
  ClientsTest() {
    server_.serve([this](net::HttpRequest request, net::HttpResponder responder) {
      if (request.path == "/api/v1/clients") return clients_.list(std::move(request), std::move(responder));
      if (request.path == "/api/v1/subscriptions") return clients_.subscriptions(std::move(request), std::move(responder));
      if (request.method == "DELETE") return clients_.disconnect(std::move(request), std::move(responder));
      clients_.show(std::move(request), std::move(responder));
    });
  }
  Answer end(const std::string& path) { return server_.ask("DELETE " + path + " HTTP/1.1\r\nHost: test\r\n\r\n"); }

  BrokerServer server_;
  ClientsResource clients_{server_.broker(), server_.background()};
};

TEST_F(ClientsTest, ListsPages) {
  EXPECT_EQ(server_.get("/api/v1/clients").at("clients").as_array().size(), 0u);
  MqttConnection a(server_, "a", "campus");
  MqttConnection b(server_, "b");
  MqttConnection c(server_, "c d");
  const auto first = server_.get("/api/v1/clients?limit=2");
  EXPECT_EQ(first.at("matching"), 3);
  EXPECT_EQ(first.at("next"), "b");
  const auto& client = first.at("clients").at(0);
  EXPECT_EQ(client.at("id"), "a");
  EXPECT_EQ(client.at("user"), "campus");
  EXPECT_EQ(client.at("connected"), true);
  EXPECT_EQ(client.at("protocol"), "3.1.1");
  EXPECT_EQ(client.at("keep_alive_s"), 60);
  EXPECT_TRUE(client.at("session_expiry_s").is_null());
  EXPECT_TRUE(client.at("address").as_string().starts_with("127.0.0.1:"));
  const auto second = server_.get("/api/v1/clients?limit=2&cursor=b");
  EXPECT_EQ(second.at("clients").at(0).at("id"), "c d");
  EXPECT_TRUE(second.at("next").is_null());
  EXPECT_EQ(server_.get("/api/v1/clients?contains=c%20").at("matching"), 1);
  EXPECT_EQ(server_.get("/api/v1/clients?state=away").at("matching"), 0);
}

TEST_F(ClientsTest, ShowsOneWithItsSubscriptions) {
  MqttConnection client(server_, "floor/1?");
  client.subscribe("u4/+/temperature", 1);
  const auto found = server_.get("/api/v1/clients/floor%2F1%3F");
  EXPECT_EQ(found.at("client").at("id"), "floor/1?");
  EXPECT_EQ(found.at("subscriptions").at(0).at("filter"), "u4/+/temperature");
  EXPECT_EQ(found.at("subscriptions").at(0).at("qos"), 1);
  EXPECT_EQ(found.at("more"), false);
}

TEST_F(ClientsTest, EndsConnectionsAndSessions) {
  MqttConnection client(server_, "c");
  EXPECT_EQ(end("/api/v1/clients/c").status, 200);
  EXPECT_EQ(client.read(1), "");  // closed
  EXPECT_EQ(server_.get("/api/v1/clients?state=away").at("matching"), 1);
  EXPECT_EQ(end("/api/v1/clients/c?end_session=true").status, 200);
  EXPECT_EQ(server_.get("/api/v1/clients").at("matching"), 0);
  EXPECT_EQ(end("/api/v1/clients/c").status, 404);
}

TEST_F(ClientsTest, ListsEverybodysSubscriptions) {
  MqttConnection a(server_, "a");
  MqttConnection b(server_, "b");
  a.subscribe("x", 0);
  a.subscribe("y/#", 0);
  b.subscribe("x", 2);
  std::string walked;
  std::string cursor;
  do {
    const auto page = server_.get("/api/v1/subscriptions?limit=1&cursor=" + cursor);
    EXPECT_EQ(page.at("total"), 3);
    const auto& one = page.at("subscriptions").at(0);
    walked += std::string(one.at("client").as_string()) + ":" + std::string(one.at("filter").as_string()) + " ";
    cursor = page.at("next").is_null() ? "" : std::string(page.at("next").as_string());
    for (size_t at = 0; (at = cursor.find_first_of("+=", at)) != std::string::npos; at += 3) cursor.replace(at, 1, cursor[at] == '+' ? "%2B" : "%3D");
  } while (!cursor.empty());
  EXPECT_EQ(walked, "a:x a:y/# b:x ");
}

TEST_F(ClientsTest, SaysWhatIsWrong) {
  EXPECT_EQ(server_.ask("GET /api/v1/clients?limit=0 HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
  EXPECT_EQ(server_.ask("GET /api/v1/clients?state=asleep HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
  EXPECT_EQ(server_.ask("GET /api/v1/clients/nobody HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
  EXPECT_EQ(server_.ask("GET /api/v1/subscriptions?cursor=zzz HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
  EXPECT_EQ(end("/api/v1/clients/c?end_session=1").status, 400);
}

}  // namespace
}  // namespace campanile::api
