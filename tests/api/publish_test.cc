#include "api/publish.h"

#include "tests/api/broker_server.h"

namespace campanile::api {
namespace {

std::string error_of(std::string_view body) {
  const auto message = read_message(body);
  return message ? "none" : message.error().message;
}

TEST(ReadMessage, TakesTextAndBase64) {
  const auto text = read_message(R"({"topic":"a/b","payload":"21.5","qos":2,"retain":true})");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->topic, "a/b");
  EXPECT_EQ(text->payload, "21.5");
  EXPECT_EQ(text->qos, 2);
  EXPECT_TRUE(text->retain);
  const auto bytes = read_message(R"({"topic":"a","payload_base64":"AP8="})");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->payload, std::string("\0\xff", 2));
  EXPECT_EQ(bytes->qos, 0);
}

TEST(ReadMessage, SaysWhatIsWrong) {
  EXPECT_NE(error_of("topic=a").find("no JSON object"), std::string::npos);
  EXPECT_NE(error_of(R"({"payload":"x"})").find("member topic is missing"), std::string::npos);
  EXPECT_EQ(error_of(R"({"topic":1})"), "member topic: a text is wanted");
  EXPECT_EQ(error_of(R"({"topic":"a","qos":3})"), "member qos: 0, 1 or 2 is wanted");
  EXPECT_EQ(error_of(R"({"topic":"a","retain":1})"), "member retain: true or false is wanted");
  EXPECT_EQ(error_of(R"({"topic":"a","payload_base64":"?"})"), "member payload_base64: base64 is wanted");
  EXPECT_NE(error_of(R"({"topic":"a","payload":"x","payload_base64":"AA=="})").find("one of them"), std::string::npos);
  EXPECT_NE(error_of(R"({"topic":"a","qualty":1})").find("'qualty' is not known"), std::string::npos);
}

TEST(PublishResource, DeliversAndAnswersOnceItIsSafe) {
  BrokerServer server;
  PublishResource publish(server.broker());
  server.serve([&](net::HttpRequest request, net::HttpResponder responder) { publish.handle(std::move(request), std::move(responder)); });
  MqttConnection subscriber(server, "sub");
  subscriber.subscribe("a", 0);
  const auto post = [&](const std::string& body) {
    return server.ask("POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  const Answer answer = post(R"({"topic":"a","payload":"hi","retain":true})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"stored\":true,\"retained\":true}\n");
  EXPECT_EQ(subscriber.read(7), std::string("\x30\5\0\1a", 5) + "hi");
  EXPECT_EQ(server.sink().accepted(), std::vector<std::string>{"a=hi"});
  EXPECT_EQ(server.retained().get("a")->payload, "hi");
  EXPECT_EQ(post(R"({"topic":"a"})").body, "{\"stored\":true}\n");
  EXPECT_EQ(post(R"({"topic":"$SYS/broker/uptime","payload":"0"})").status, 403);
  EXPECT_EQ(post(R"({"topic":"a/#","payload":"0"})").status, 400);
  EXPECT_EQ(post("{}").status, 400);
}

}  // namespace
}  // namespace campanile::api
