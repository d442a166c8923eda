#include "api/topics.h"

#include <future>

#include "tests/api/broker_server.h"

namespace campanile::api {
namespace {

TEST(TopicsResource, ShowsWhatIsSaidWhileSomebodyLooks) {
  BrokerServer server;
  TopicsResource topics(server.broker(), server.clock(), server.background());
  server.serve([&](net::HttpRequest request, net::HttpResponder responder) { topics.handle(std::move(request), std::move(responder)); });
  EXPECT_EQ(server.get("/api/v1/topics").at("topics"), 0);  // begins to count
  const auto say = [&](std::string topic, std::string payload) {
    std::promise<void> done;
    server.broker().publish({.topic = std::move(topic), .payload = std::move(payload)}, [&](const Result<bool>&) { done.set_value(); });
    done.get_future().wait();
  };
  say("u4/302/co2", "700");
  say("u4/302/co2", "710");
  say("u4/raw", std::string("\0\xff", 2));
  const auto root = server.get("/api/v1/topics");
  const auto& level = root.at("paths").at(0).at("levels").at(0);
  EXPECT_EQ(level.at("path"), "u4/");
  EXPECT_EQ(level.at("topics"), 2);
  EXPECT_EQ(level.at("messages"), 3);
  EXPECT_EQ(level.at("is_topic"), false);
  EXPECT_TRUE(root.at("message").is_null());

  const auto below = server.get("/api/v1/topics?under=u4/&under=u4/302/&topic=u4/302/co2");
  EXPECT_EQ(below.at("paths").as_array().size(), 3u);
  EXPECT_EQ(below.at("paths").at(2).at("levels").at(0).at("last"), "710");
  EXPECT_TRUE(below.at("paths").at(1).at("levels").at(1).at("last").is_null());  // no text
  EXPECT_EQ(below.at("message").at("payload"), "710");
  EXPECT_EQ(below.at("message").at("messages"), 2);

  EXPECT_EQ(server.ask("GET /api/v1/topics?under=u4 HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
  std::string many = "/api/v1/topics?x=1";
  for (size_t i = 0; i < TopicsResource::kPathsMax; ++i) many += "&under=" + std::to_string(i) + "/";
  EXPECT_EQ(server.ask("GET " + many + " HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
}

}  // namespace
}  // namespace campanile::api
