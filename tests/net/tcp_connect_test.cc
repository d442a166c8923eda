#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "net/tcp.h"
#include "raw_client.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

class Echo final : public TcpHandler {
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    connection.send(bytes);
    return bytes.size();
  }
};

// Collects what comes and reports the end.
class Collector final : public TcpHandler {
 public:
  Collector(std::promise<std::string> reason, std::string* got, size_t want)
      : reason_(std::move(reason)), got_(got), want_(want) {}
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    got_->append(bytes);
    if (got_->size() >= want_) connection.close();
    return bytes.size();
  }
  void on_closed(TcpConnection&, std::string_view reason) override { reason_.set_value(std::string(reason)); }

 private:
  std::promise<std::string> reason_;
  std::string* got_;
  size_t want_;
};

std::string connect_and_wait(EventLoopPool& loops, const ConnectOptions& options, std::string* got = nullptr) {
  std::string unused;
  std::promise<std::string> reason;
  auto future = reason.get_future();
  auto connection = tcp_connect(loops, loops.at(loops.size() - 1), options,
                                std::make_unique<Collector>(std::move(reason), got ? got : &unused, 5));
  EventLoop& loop = connection->loop();
  loop.post([connection] { connection->send("hello"); });
  if (future.wait_for(kPatience) != std::future_status::ready) return "nothing happened";
  return future.get();
}

TEST(TcpConnect, SendsWhatWasQueuedBeforeItWasOpen) {
  EventLoopPool loops(2);
  loops.start();
  auto listener = TcpListener::listen(loops, {"127.0.0.1", 0}, {}, [](EventLoop&) { return std::make_unique<Echo>(); });
  ASSERT_TRUE(listener);
  std::string got;
  EXPECT_EQ(connect_and_wait(loops, {.address = (*listener)->address()}, &got), "closed by this side");
  EXPECT_EQ(got, "hello");
  got.clear();
  EXPECT_EQ(connect_and_wait(loops, {.address = {"localhost", (*listener)->address().port}}, &got),
            "closed by this side");
  EXPECT_EQ(got, "hello");
}

TEST(TcpConnect, SaysWhyItFailed) {
  EventLoopPool loops(1);
  loops.start();
  auto listener = TcpListener::listen(loops, {"127.0.0.1", 0}, {}, [](EventLoop&) { return std::make_unique<Echo>(); });
  ASSERT_TRUE(listener);
  const Address gone = (*listener)->address();
  (*listener)->close();
  ASSERT_TRUE(eventually([&] { return !RawClient(gone).connected(); }));
  EXPECT_EQ(connect_and_wait(loops, {.address = gone}),
            fmt::format("connecting to {}: Connection refused", gone.to_string()));
  EXPECT_THAT(connect_and_wait(loops, {.address = {"no-such-host.invalid", 1}}),
              HasSubstr("connecting to no-such-host.invalid:1: no such host"));
}

// A listener whose queue nobody empties: the handshake of TCP itself may succeed, so TLS is asked for, which cannot.
TEST(TcpConnect, GivesUpAfterItsTimeout) {
  EventLoopPool idle(1);  // never started: nothing is accepted
  auto listener = TcpListener::listen(idle, {"127.0.0.1", 0}, {}, [](EventLoop&) { return std::make_unique<Echo>(); });
  ASSERT_TRUE(listener);
  EventLoopPool loops(1);
  loops.start();
  EXPECT_THAT(connect_and_wait(loops, {.address = (*listener)->address(),
                                       .tls = TlsClientOptions{.verify_chain = false},
                                       .timeout = std::chrono::milliseconds(50)}),
              HasSubstr("timed out after 50 ms"));
}

TEST(TcpConnect, CloseAndStopEndAnAttempt) {
  EventLoopPool idle(1);
  auto listener = TcpListener::listen(idle, {"127.0.0.1", 0}, {}, [](EventLoop&) { return std::make_unique<Echo>(); });
  ASSERT_TRUE(listener);
  const ConnectOptions options{.address = (*listener)->address(), .tls = TlsClientOptions{.verify_chain = false}};
  EventLoopPool loops(1);
  loops.start();
  std::string got;
  std::promise<std::string> first;
  auto first_reason = first.get_future();
  auto connection = tcp_connect(loops, loops.at(0), options, std::make_unique<Collector>(std::move(first), &got, 1));
  loops.at(0).post([connection] { connection->close(); });
  EXPECT_EQ(first_reason.get(), "closed before it was connected");

  std::promise<std::string> second;
  auto second_reason = second.get_future();
  tcp_connect(loops, loops.at(0), options, std::make_unique<Collector>(std::move(second), &got, 1));
  loops.stop();
  EXPECT_EQ(second_reason.get(), "the program is stopping");
}

}  // namespace
}  // namespace campanile::net
