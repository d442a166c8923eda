#include "net/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "net/websocket_frames.h"
#include "raw_client.h"

namespace campanile::net {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::StartsWith;

class Echo final : public TcpHandler {
 public:
  explicit Echo(std::atomic<int>& open) : open_(open) {}
  void on_open(TcpConnection& connection) override {
    ++open_;
    connection.send("hi");
  }
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    connection.send(bytes);
    if (bytes.ends_with("!")) connection.close();
    return bytes.size();
  }
  void on_closed(TcpConnection&, std::string_view) override { --open_; }

 private:
  std::atomic<int>& open_;
};

std::string masked(unsigned first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  out += static_cast<char>(0x80 | payload.size());
  out += "mask";
  for (size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ "mask"[i % 4]);
  return out;
}

class WebSocketTransportTest : public testing::Test {
 protected:
  WebSocketTransportTest() : loops_(1) { loops_.start(); }
  ~WebSocketTransportTest() override { loops_.stop(); }
  void listen(WebSocketTransport websocket = {}, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    listener_ = *TcpListener::listen(loops_, {"127.0.0.1", 0}, {},
                                     over_transport({.tls = nullptr, .websocket = std::move(websocket), .opening_timeout = timeout},
                                                    [this](EventLoop&) { return std::make_unique<Echo>(open_); }));
  }
  static std::string request(const std::string& more = "Sec-WebSocket-Protocol: mqtt\r\n") {
    return "GET /mqtt HTTP/1.1\r\nHost: tower.example.org:9001\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + more + "\r\n";
  }
  std::string status_of(const std::string& text) {
    RawClient client(listener_->address());
    client.send(text);
    std::string answer = client.receive_until("\r\n");
    answer.resize(std::min<size_t>(answer.size(), 12));
    return answer;
  }
  EventLoopPool loops_;
  std::unique_ptr<TcpListener> listener_;
  std::atomic<int> open_{0};
};

TEST_F(WebSocketTransportTest, CarriesBytesInBinaryFrames) {
  listen();
  RawClient client(listener_->address());
  client.send(request() + masked(0x82, "early"));
  const std::string head = client.receive_until("\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Protocol: mqtt\r\n"));  // [MQTT-6.0.0-4]
  EXPECT_EQ(client.receive_exactly(4), "\x82\x02hi");
  EXPECT_EQ(client.receive_exactly(7), "\x82\x05" "early");
  // [MQTT-6.0.0-2]: a packet in pieces, several packets in one frame.
  client.send(masked(0x02, "a") + masked(0x89, "you there") + masked(0x80, "bc"));
  std::string data;
  while (data.size() < 3) {
    const std::string header = client.receive_exactly(2);
    ASSERT_EQ(header.size(), 2u);
    const std::string payload = client.receive_exactly(static_cast<unsigned char>(header[1]));
    if (header[0] == '\x82') {
      data += payload;
    } else {
      EXPECT_EQ(header[0], '\x8a');
      EXPECT_EQ(payload, "you there");
    }
  }
  EXPECT_EQ(data, "abc");
  client.send(masked(0x88, "\x03\xe8"));
  EXPECT_EQ(client.receive_all(), "\x88\x02\x03\xe8");
  EXPECT_TRUE(eventually([&] { return open_ == 0; }));
}

TEST_F(WebSocketTransportTest, TheHandlersCloseIsSaid) {
  listen();
  RawClient client(listener_->address());
  client.send(request() + masked(0x82, "bye!"));
  client.receive_until("\r\n\r\n");
  EXPECT_EQ(client.receive_all(), "\x82\x02hi\x82\x04" "bye!\x88\x02\x03\xe8");
}

// [MQTT-6.0.0-1]
TEST_F(WebSocketTransportTest, ATextFrameEndsIt) {
  listen();
  RawClient client(listener_->address());
  client.send(request() + masked(0x81, "text"));
  client.receive_until("\r\n\r\n");
  EXPECT_THAT(client.receive_all(), StartsWith("\x82\x02hi\x88\x1f\x03\xeb"));
  EXPECT_TRUE(eventually([&] { return open_ == 0; }));
}

// [MQTT-6.0.0-3]
TEST_F(WebSocketTransportTest, TheSubprotocolMustBeMqtt) {
  listen();
  EXPECT_EQ(status_of(request("")), "HTTP/1.1 400");
  EXPECT_EQ(status_of(request("Sec-WebSocket-Protocol: chat, mqtt5\r\n")), "HTTP/1.1 400");
  EXPECT_EQ(status_of(request("Sec-WebSocket-Protocol: chat, mqtt\r\n")), "HTTP/1.1 101");
  EXPECT_EQ(status_of(request("Sec-WebSocket-Protocol: mqttv3.1\r\n")), "HTTP/1.1 101");
}

TEST_F(WebSocketTransportTest, OtherRequestsAreAnswered) {
  listen();
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: here\r\n\r\n"), "HTTP/1.1 426");
  EXPECT_EQ(status_of("POST /mqtt HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello"), "HTTP/1.1 413");
  EXPECT_EQ(status_of("\x10\x20\x00\x04MQTT\r\n\r\n"s), "HTTP/1.1 400");
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x')), "HTTP/1.1 431");
  EXPECT_EQ(open_, 0);
}

TEST_F(WebSocketTransportTest, PagesOfOtherSitesNeedALeave) {
  const auto from = [](const std::string& origin) { return request("Sec-WebSocket-Protocol: mqtt\r\nOrigin: " + origin + "\r\n"); };
  listen({.allowed_origins = {"https://wall.example.org"}});
  EXPECT_EQ(status_of(from("http://tower.example.org:8086")), "HTTP/1.1 101") << "the same host, another port";
  EXPECT_EQ(status_of(from("https://wall.example.org")), "HTTP/1.1 101");
  EXPECT_EQ(status_of(from("https://evil.example.org")), "HTTP/1.1 403");
  EXPECT_EQ(status_of(from("null")), "HTTP/1.1 403");
  listen({.any_origin = true});
  EXPECT_EQ(status_of(from("https://evil.example.org")), "HTTP/1.1 101");
}

TEST_F(WebSocketTransportTest, AnUpgradeThatDragsOnIsEnded) {
  listen({}, std::chrono::milliseconds(100));
  RawClient client(listener_->address());
  client.send("GET / HTTP/1.1\r\nHost: ");
  EXPECT_EQ(client.receive_all(), "");
}

}  // namespace
}  // namespace campanile::net
