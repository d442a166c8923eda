#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "http_client.h"
#include "net/http_server.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

struct Seen {
  std::mutex mutex;
  std::shared_ptr<WebSocket> socket;  // under mutex
  std::atomic<int> opened = 0;
  std::atomic<int> closed = 0;
  std::atomic<int> destroyed = 0;
};

class EchoHandler final : public WebSocketHandler {
 public:
  explicit EchoHandler(Seen& seen) : seen_(seen) {}
  ~EchoHandler() override { ++seen_.destroyed; }
  void on_open(std::shared_ptr<WebSocket> socket) override {
    socket_ = socket;
    std::lock_guard lock(seen_.mutex);
    seen_.socket = std::move(socket);
    ++seen_.opened;
  }
  void on_text(std::string_view text) override {
    if (text == "go away") {
      socket_->close(1013, "try later");
    } else {
      socket_->send_text("echo: " + std::string(text));
    }
  }
  void on_closed() override {
    ++seen_.closed;
    std::lock_guard lock(seen_.mutex);
    seen_.socket.reset();
  }

 private:
  Seen& seen_;
  std::shared_ptr<WebSocket> socket_;
};

struct Frame {
  int opcode = -1;  // -1: the connection ended
  std::string payload;
  int code() const {
    return payload.size() < 2 ? 0
                              : static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  }
};

Frame receive_frame(RawClient& client) {
  const std::string start = client.receive_exactly(2);
  if (start.size() < 2) return {};
  Frame frame{.opcode = start[0] & 0x0f};
  size_t size = static_cast<unsigned char>(start[1]);
  if (size >= 126) {
    const std::string length = client.receive_exactly(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : length) size = size << 8 | static_cast<unsigned char>(c);
  }
  frame.payload = client.receive_exactly(size);
  return frame;
}

// Masked with zeros, which changes nothing.
std::string client_frame(int first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0xfe);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size());
  }
  return frame + std::string(4, '\0') + std::string(payload);
}

std::string upgrade(const std::string& more = "", const std::string& host = "tower:8086") {
  return "GET /live HTTP/1.1\r\nHost: " + host +
         "\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         more + "\r\n";
}

class WebSocketTest : public testing::Test {
 protected:
  WebSocketTest() : loops_(2) { loops_.start(); }
  ~WebSocketTest() override {
    for (auto& worker : workers_) worker.join();
    loops_.stop();
    EXPECT_EQ(seen_.opened, seen_.closed);
  }
  RawClient connect(const HttpServerOptions& options = {}, bool elsewhere = false) {
    if (!server_) {
      auto server = HttpServer::listen(loops_, {"127.0.0.1", 0}, options,
                                       [this, elsewhere](HttpRequest, HttpResponder responder) {
                                         if (!elsewhere) {
                                           responder.accept_websocket(std::make_unique<EchoHandler>(seen_));
                                           return;
                                         }
                                         workers_.emplace_back([this, responder = std::move(responder)]() mutable {
                                           responder.accept_websocket(std::make_unique<EchoHandler>(seen_));
                                         });
                                       });
      EXPECT_TRUE(server);
      server_ = std::move(*server);
    }
    return RawClient(server_->address());
  }
  RawClient open(const HttpServerOptions& options = {}, bool elsewhere = false) {
    RawClient client = connect(options, elsewhere);
    client.send(upgrade());
    EXPECT_EQ(receive_answer(client).status, 101);
    return client;
  }
  std::shared_ptr<WebSocket> socket() {
    EXPECT_TRUE(eventually([&] { return seen_.opened > 0; }));
    std::lock_guard lock(seen_.mutex);
    return seen_.socket;
  }

  Seen seen_;
  EventLoopPool loops_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::thread> workers_;
};

TEST_F(WebSocketTest, ShakesHandsAndEchoes) {
  RawClient client = connect();
  client.send(upgrade());
  const Answer answer = receive_answer(client);
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(answer.header("upgrade"), "websocket");
  EXPECT_EQ(answer.header("connection"), "Upgrade");
  EXPECT_EQ(answer.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  client.send(client_frame(0x81, "hello"));
  EXPECT_EQ(receive_frame(client).payload, "echo: hello");
  client.send(client_frame(0x01, "in ") + client_frame(0x89, "ping") + client_frame(0x80, "two"));
  const Frame pong = receive_frame(client);
  EXPECT_EQ(pong.opcode, 10);
  EXPECT_EQ(pong.payload, "ping");
  EXPECT_EQ(receive_frame(client).payload, "echo: in two");
  const std::string longer(60'000, 'x');
  client.send(client_frame(0x81, longer));
  EXPECT_EQ(receive_frame(client).payload, "echo: " + longer);
}

TEST_F(WebSocketTest, TakesFramesThatCameAlongWithTheHandshake) {
  for (const bool elsewhere : {false, true}) {
    server_.reset();
    RawClient client = connect({}, elsewhere);
    client.send(upgrade() + client_frame(0x81, "early"));
    EXPECT_EQ(receive_answer(client).status, 101);
    EXPECT_EQ(receive_frame(client).payload, "echo: early");
  }
}

TEST_F(WebSocketTest, ClosesByTheBook) {
  {
    RawClient client = open();
    client.send(client_frame(0x88, std::string("\x03\xe9", 2) + "leaving"));
    const Frame frame = receive_frame(client);
    EXPECT_EQ(frame.opcode, 8);
    EXPECT_EQ(frame.code(), 1001);
    EXPECT_EQ(client.receive(), "");
  }
  {
    RawClient client = open();
    client.send(client_frame(0x81, "go away"));
    const Frame frame = receive_frame(client);
    EXPECT_EQ(frame.opcode, 8);
    EXPECT_EQ(frame.code(), 1013);
    EXPECT_EQ(frame.payload.substr(2), "try later");
    EXPECT_EQ(client.receive(), "");
  }
  const std::pair<std::string, int> wrongs[] = {
      {client_frame(0x82, "binary"), 1003}, {client_frame(0x81, "\xff"), 1007}, {std::string("\x81\x02hi", 4), 1002}};
  for (const auto& [wire, code] : wrongs) {
    RawClient client = open();
    client.send(wire);
    EXPECT_EQ(receive_frame(client).code(), code);
    EXPECT_EQ(client.receive(), "");
  }
  EXPECT_TRUE(eventually([&] { return seen_.closed == 5; }));
  EXPECT_EQ(seen_.destroyed, 5);
}

TEST_F(WebSocketTest, LimitsMessages) {
  RawClient client = open({.websocket_message_bytes_max = 1000});
  client.send(client_frame(0x81, std::string(1000, 'x')));
  EXPECT_EQ(receive_frame(client).payload.size(), 1006u);
  client.send(client_frame(0x81, std::string(1001, 'x')));
  EXPECT_EQ(receive_frame(client).code(), 1009);
}

TEST_F(WebSocketTest, DropsMessagesForASlowClientAndGoesOnLater) {
  RawClient client = open({.websocket_queue_bytes_max = 100'000});
  const auto web_socket = socket();
  const std::string text(10'000, 'x');
  size_t sent = 0;
  // From a thread of its own; how much the kernel takes is not ours to say, but it ends.
  while (web_socket->send_text(text)) {
    ++sent;
    ASSERT_LT(sent, 100'000u);
  }
  EXPECT_GT(web_socket->queue_bytes(), 80'000u);
  EXPECT_LE(web_socket->queue_bytes(), 100'000u);
  // The loop may still have been busy when the queue first was full: what was taken is what counts.
  for (size_t i = 0; i < sent; ++i) ASSERT_EQ(receive_frame(client).payload.size(), text.size());
  EXPECT_TRUE(eventually([&] { return web_socket->queue_bytes() == 0; }));
  EXPECT_TRUE(web_socket->send_text("and on"));
  EXPECT_EQ(receive_frame(client).payload, "and on");
}

TEST_F(WebSocketTest, SendsFromManyThreadsStayWhole) {
  RawClient client = open();
  const auto web_socket = socket();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) EXPECT_TRUE(web_socket->send_text(std::string(100, static_cast<char>('a' + t))));
    });
  }
  for (int i = 0; i < 2000; ++i) {
    const Frame frame = receive_frame(client);
    ASSERT_EQ(frame.payload, std::string(100, frame.payload.at(0)));
  }
}

TEST_F(WebSocketTest, CloseFromAnotherThreadComesAfterWhatWasSent) {
  RawClient client = open();
  const auto web_socket = socket();
  for (int i = 0; i < 100; ++i) web_socket->send_text("x");
  web_socket->close(1001, "restarting");
  EXPECT_FALSE(web_socket->send_text("late"));
  web_socket->close(1000, "again");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(receive_frame(client).payload, "x");
  EXPECT_EQ(receive_frame(client).code(), 1001);
  EXPECT_EQ(client.receive(), "");
}

TEST_F(WebSocketTest, PingsAndGivesUpASilentPeer) {
  RawClient alive = open({.websocket_ping_interval = std::chrono::milliseconds(50)});
  RawClient silent = open();
  int pings = 0;
  while (pings < 5) {
    const Frame frame = receive_frame(alive);
    ASSERT_EQ(frame.opcode, 9);
    ++pings;
    alive.send(client_frame(0x8a, frame.payload));
  }
  // The other one has answered none.
  EXPECT_EQ(receive_frame(silent).opcode, 9);
  EXPECT_EQ(receive_frame(silent).opcode, -1);
}

TEST_F(WebSocketTest, RefusesWhatDoesNotAskForIt) {
  RawClient client = connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const Answer plain = receive_answer(client);
  EXPECT_EQ(plain.status, 426);
  EXPECT_EQ(plain.header("sec-websocket-version"), "13");
  client.send(upgrade());  // on the same connection
  EXPECT_EQ(receive_answer(client).status, 101);

  RawClient bad_key = connect();
  bad_key.send(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\nSec-WebSocket-Key: aGk=\r\n\r\n");
  EXPECT_EQ(receive_answer(bad_key).status, 400);
}

TEST_F(WebSocketTest, RefusesPagesOfOtherSites) {
  const std::tuple<const char*, const char*, int> cases[] = {
      {"http://tower:8086", "tower:8086", 101},
      {"http://Tower:8086", "tower:8086", 101},
      {"https://tower:8086", "tower:8086", 101},
      {"http://tower", "tower", 101},
      {"http://tower", "tower:80", 101},
      {"https://tower", "tower:443", 101},
      {"https://wall.example.org", "tower:8086", 101},
      {"http://evil.example.org", "tower:8086", 403},
      {"http://tower:8087", "tower:8086", 403},
      {"http://tower", "tower:8086", 403},
      {"null", "tower:8086", 403},
      {"tower:8086", "tower:8086", 403},
      {"http://tower:8086.evil.example.org", "tower:8086", 403},
      {"file://", "tower:8086", 403},
  };
  for (const auto& [origin, host, status] : cases) {
    RawClient client = connect({.allowed_origins = {"https://wall.example.org"}});
    client.send(upgrade(fmt::format("Origin: {}\r\n", origin), host));
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.status, status) << origin << " " << host;
    if (status == 403) {
      EXPECT_THAT(answer.body, HasSubstr("allowed origins"));
    }
  }
}

TEST_F(WebSocketTest, StopClosesThem) {
  RawClient client = open();
  const auto web_socket = socket();
  loops_.stop();
  EXPECT_EQ(seen_.closed, 1);
  EXPECT_FALSE(web_socket->send_text("x"));
  EXPECT_EQ(receive_frame(client).opcode, -1);
}

}  // namespace
}  // namespace campanile::net
