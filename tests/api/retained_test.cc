#include "api/retained.h"

#include "tests/api/broker_server.h"

namespace campanile::api {
namespace {

class RetainedTest : public testing::Test {
 protected:
  RetainedTest() {
    server_.serve([this](net::HttpRequest request, net::HttpResponder responder) { resource_.handle(std::move(request), std::move(responder)); });
  }
  void keep(std::string_view topic, std::string_view payload) {
    broker::Publication publication{.topic = topic, .payload = payload, .published_ns = 5'000'000, .qos = 1, .retain = true};
    ASSERT_TRUE(server_.retained().set(publication));
  }

  BrokerServer server_;
  RetainedResource resource_{server_.retained(), server_.clock(), server_.background()};
};

TEST_F(RetainedTest, GivesPagesOfWhatMatches) {
  for (const std::string_view topic : {"u4/302/light", "u4/303/light", "u4/304/light", "bu/1/light"}) keep(topic, "on");
  const auto first = server_.get("/api/v1/retained?filter=u4/%23&limit=2");
  EXPECT_EQ(first.at("total"), 4);
  EXPECT_EQ(first.at("messages").as_array().size(), 2u);
  EXPECT_EQ(first.at("messages").at(0).at("topic"), "u4/302/light");
  EXPECT_EQ(first.at("messages").at(0).at("payload"), "on");
  EXPECT_EQ(first.at("messages").at(0).at("time_ms"), 5);
  EXPECT_EQ(first.at("next"), "u4/303/light");
  const auto second = server_.get("/api/v1/retained?filter=u4/%23&limit=2&cursor=u4/303/light");
  EXPECT_EQ(second.at("messages").as_array().size(), 1u);
  EXPECT_TRUE(second.at("next").is_null());
  EXPECT_EQ(server_.get("/api/v1/retained?filter=%2B/1/light").at("messages").as_array().size(), 1u);
}

TEST_F(RetainedTest, WritesBytesInBase64AndCutsWhatIsLong) {
  keep("bytes", std::string_view("\0\xff", 2));
  keep("long", std::string(10'000, 'x'));
  const auto found = server_.get("/api/v1/retained");
  EXPECT_EQ(found.at("messages").at(0).at("encoding"), "base64");
  EXPECT_EQ(found.at("messages").at(0).at("payload"), "AP8=");
  EXPECT_EQ(found.at("messages").at(1).at("payload").as_string().size(), 4096u);
  EXPECT_EQ(found.at("messages").at(1).at("payload_bytes"), 10'000);
}

TEST_F(RetainedTest, RefusesWhatIsNoFilter) {
  EXPECT_EQ(server_.ask("GET /api/v1/retained?filter=a/%23/b HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
}

}  // namespace
}  // namespace campanile::api
