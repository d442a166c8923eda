#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>

#include <random>

#include "base/random.h"
#include "net/tcp.h"
#include "raw_client.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

// A handler made of functions, and what it has seen.
struct Script {
  std::function<void(TcpConnection&)> open = [](TcpConnection&) {};
  std::function<size_t(TcpConnection&, std::string_view)> bytes = [](TcpConnection&, std::string_view b) {
    return b.size();
  };
  std::function<void(TcpConnection&)> low = [](TcpConnection&) {};
  std::atomic<int> opened = 0;
  std::atomic<int> closed = 0;
  std::atomic<int> destroyed = 0;
  std::mutex mutex;
  std::string reason;                         // under mutex
  std::shared_ptr<TcpConnection> connection;  // under mutex

  std::string closed_because() {
    std::lock_guard lock(mutex);
    return reason;
  }
};

class ScriptedHandler final : public TcpHandler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {}
  ~ScriptedHandler() override { ++script_.destroyed; }
  void on_open(TcpConnection& connection) override {
    {
      std::lock_guard lock(script_.mutex);
      script_.connection = connection.shared_from_this();
    }
    script_.open(connection);
    ++script_.opened;
  }
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    return script_.bytes(connection, bytes);
  }
  void on_send_queue_low(TcpConnection& connection) override { script_.low(connection); }
  void on_closed(TcpConnection&, std::string_view reason) override {
    {
      std::lock_guard lock(script_.mutex);
      script_.reason = reason;
      script_.connection.reset();
    }
    ++script_.closed;
  }

 private:
  Script& script_;
};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() : loops_(2) { loops_.start(); }
  ~ConnectionTest() override {
    loops_.stop();
    EXPECT_EQ(script_.opened, script_.closed);
    EXPECT_EQ(script_.closed, script_.destroyed);
  }
  Address listen(TcpOptions options = {}, Address address = {"127.0.0.1", 0}) {
    auto listener = TcpListener::listen(loops_, address, options,
                                        [this](EventLoop&) { return std::make_unique<ScriptedHandler>(script_); });
    EXPECT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    return listener_->address();
  }
  // Runs `work` with the connection, on its loop.
  void with_connection(std::function<void(TcpConnection&)> work) {
    ASSERT_TRUE(eventually([&] { return script_.opened > 0; }));
    std::shared_ptr<TcpConnection> connection;
    {
      std::lock_guard lock(script_.mutex);
      connection = script_.connection;
    }
    ASSERT_TRUE(connection);
    std::promise<void> done;
    connection->loop().post([&] {
      work(*connection);
      done.set_value();
    });
    done.get_future().wait();
  }

  Script script_;
  EventLoopPool loops_;
  std::unique_ptr<TcpListener> listener_;
};

size_t echo(TcpConnection& connection, std::string_view bytes) {
  connection.send(bytes);
  return bytes.size();
}

std::string random_text(uint64_t seed, size_t bytes) {
  Random random(seed);
  std::string text(bytes, '\0');
  for (size_t i = 0; i + 8 <= bytes; i += 8) {
    const uint64_t word = random.next();
    std::memcpy(text.data() + i, &word, 8);
  }
  return text;
}

TEST_F(ConnectionTest, EchoesAndTellsTheEnd) {
  script_.bytes = echo;
  RawClient client(listen());
  EXPECT_TRUE(client.send("hello"));
  EXPECT_EQ(client.receive_exactly(5), "hello");
  with_connection([](TcpConnection& connection) {
    EXPECT_EQ(connection.peer().host, "127.0.0.1");
    EXPECT_NE(connection.peer().port, 0);
    EXPECT_TRUE(connection.loop().is_current());
  });
  EXPECT_EQ(listener_->connections(), 1u);
  client.close();
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_EQ(script_.closed_because(), "closed by the peer");
  EXPECT_TRUE(eventually([&] { return listener_->connections() == 0; }));
}

TEST_F(ConnectionTest, EchoesOverIpv6) {
  script_.bytes = echo;
  RawClient client(listen({}, {"::1", 0}));
  if (!client.connected()) GTEST_SKIP() << "no IPv6 loopback here";
  EXPECT_TRUE(client.send("hello"));
  EXPECT_EQ(client.receive_exactly(5), "hello");
  with_connection([](TcpConnection& connection) { EXPECT_EQ(connection.peer().host, "::1"); });
}

TEST_F(ConnectionTest, ShowsAnIpv4PeerOfAnIpv6ListenerAsSuch) {
  script_.bytes = echo;
  const Address any = listen({}, {"::", 0});
  RawClient client(Address{"127.0.0.1", any.port});
  if (!client.connected()) GTEST_SKIP() << "no dual-stack sockets here";
  with_connection([](TcpConnection& connection) { EXPECT_EQ(connection.peer().host, "127.0.0.1"); });
}

// Frames of a length byte and that many bytes, cut anywhere: what is not whole yet comes again with the rest.
TEST_F(ConnectionTest, KeepsWhatIsNotConsumed) {
  std::vector<std::string> frames;
  std::mutex mutex;
  script_.bytes = [&](TcpConnection&, std::string_view bytes) {
    size_t used = 0;
    while (used < bytes.size()) {
      const size_t length = static_cast<unsigned char>(bytes[used]);
      if (bytes.size() - used < 1 + length) break;
      std::lock_guard lock(mutex);
      frames.emplace_back(bytes.substr(used + 1, length));
      used += 1 + length;
    }
    return used;
  };
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  std::vector<std::string> expected;
  std::string wire;
  for (int i = 0; i < 20'000; ++i) {
    std::string frame(random.below(256), static_cast<char>('a' + i % 26));
    wire += static_cast<char>(frame.size());
    wire += frame;
    expected.push_back(std::move(frame));
  }
  RawClient client(listen());
  for (size_t at = 0; at < wire.size();) {
    const size_t piece = random.one_in(3) ? 1 + random.below(5) : 1 + random.below(100'000);
    ASSERT_TRUE(client.send(std::string_view(wire).substr(at, piece)));
    at += std::min(piece, wire.size() - at);
  }
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return frames.size() == expected.size();
  }));
  std::lock_guard lock(mutex);
  EXPECT_TRUE(frames == expected);
}

TEST_F(ConnectionTest, RefusesMoreUnconsumedInputThanAllowed) {
  script_.bytes = [](TcpConnection&, std::string_view) { return 0; };
  RawClient client(listen({.input_bytes_max = 1 << 20}));
  const std::string piece(64 * 1024, 'x');
  for (int i = 0; i < 64 && client.send(piece); ++i) {
  }
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_EQ(script_.closed_because(), "input over 1 MiB");
}

TEST_F(ConnectionTest, CarriesMuchInBothDirections) {
  script_.bytes = echo;
  RawClient client(listen());
  const std::string text = random_text(7, 32 << 20);
  std::string back;
  std::jthread reader([&] { back = client.receive_exactly(text.size()); });
  EXPECT_TRUE(client.send(text));
  reader.join();
  EXPECT_TRUE(back == text);
}

TEST_F(ConnectionTest, TellsWhenALongSendQueueHasShrunk) {
  std::atomic<int> rounds = 0;
  const auto fill = [&](TcpConnection& connection) {
    if (rounds++ < 20) {
      connection.send_owned(std::string(1 << 20, 'x'));
    } else {
      connection.close();
    }
  };
  script_.open = fill;
  script_.low = fill;
  RawClient client(listen());
  EXPECT_EQ(client.receive_all().size(), 20u << 20);
  EXPECT_EQ(rounds, 21);
}

TEST_F(ConnectionTest, APauseHoldsThePeerBackAndLosesNothing) {
  std::atomic<size_t> got = 0;
  script_.open = [](TcpConnection& connection) { connection.pause_reading(); };
  script_.bytes = [&](TcpConnection&, std::string_view bytes) {
    got += bytes.size();
    return bytes.size();
  };
  RawClient client(listen());
  const std::string text(64 << 20, 'x');
  std::atomic<bool> sent = false;
  std::jthread writer([&] {
    EXPECT_TRUE(client.send(text));
    sent = true;
    client.shut_down_sending();
  });
  with_connection([](TcpConnection&) {});
  EXPECT_EQ(got, 0u);
  EXPECT_FALSE(sent) << "64 MiB do not fit into the kernel's buffers";
  with_connection([](TcpConnection& connection) { connection.resume_reading(); });
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_EQ(got, text.size());
  EXPECT_EQ(script_.closed_because(), "closed by the peer");
}

TEST_F(ConnectionTest, ResumeGivesKeptBytesAgainEvenAfterThePeerIsGone) {
  std::atomic<int> calls = 0;
  std::string got;
  script_.bytes = [&](TcpConnection& connection, std::string_view bytes) -> size_t {
    if (++calls == 1) {
      connection.pause_reading();
      return 2;
    }
    got += bytes;
    return bytes.size();
  };
  RawClient client(listen());
  client.send("abcdef");
  ASSERT_TRUE(eventually([&] { return calls == 1; }));
  client.close();
  with_connection([](TcpConnection& connection) { connection.resume_reading(); });
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_EQ(got, "cdef");
}

TEST_F(ConnectionTest, CloseSendsWhatIsQueuedFirst) {
  script_.open = [](TcpConnection& connection) {
    connection.send_owned(std::string(16 << 20, 'x'));
    connection.send("end");
    connection.close();
    connection.send("never");
  };
  RawClient client(listen());
  const std::string all = client.receive_all();
  EXPECT_EQ(all.size(), (16u << 20) + 3);
  EXPECT_TRUE(all.ends_with("end"));
  client.close();
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_EQ(script_.closed_because(), "closed by this side");
}

// The peer is still sending when it is told off: our words must reach it, not a reset.
TEST_F(ConnectionTest, LastWordsReachAPeerThatIsStillSending) {
  script_.bytes = [](TcpConnection& connection, std::string_view bytes) {
    connection.send("too much");
    connection.close();
    return bytes.size();
  };
  RawClient client(listen());
  const std::string text(8 << 20, 'x');
  EXPECT_TRUE(client.send(text));
  EXPECT_EQ(client.receive_all(), "too much");
  client.close();
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
}

TEST_F(ConnectionTest, CloseGivesUpOnAPeerThatNeitherReadsNorLeaves) {
  script_.open = [](TcpConnection& connection) {
    connection.send_owned(std::string(64 << 20, 'x'));
    connection.close();
  };
  RawClient client(listen(), 4096);
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_THAT(script_.closed_because(), HasSubstr("took nothing for 5 s"));
}

TEST_F(ConnectionTest, AbortFromACallbackWaitsForItsEnd) {
  std::atomic<bool> during = false;
  script_.bytes = [&](TcpConnection& connection, std::string_view bytes) {
    connection.abort();
    during = script_.closed > 0;
    connection.send("never");
    connection.pause_reading();
    connection.resume_reading();
    connection.close();
    connection.abort();
    return bytes.size();
  };
  RawClient client(listen());
  client.send("x");
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_FALSE(during);
  EXPECT_EQ(script_.closed_because(), "aborted");
}

TEST_F(ConnectionTest, NamesAReset) {
  RawClient client(listen());
  ASSERT_TRUE(eventually([&] { return script_.opened == 1; }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return script_.closed == 1; }));
  EXPECT_EQ(script_.closed_because(), "connection reset");
}

TEST_F(ConnectionTest, SendsOfATaskReachOthersInOrder) {
  RawClient client(listen());
  for (int i = 0; i < 100; ++i) {
    with_connection([&](TcpConnection& connection) {
      for (int j = 0; j < 100; ++j) connection.send(fmt::format("{:04}", i * 100 + j));
    });
  }
  const std::string all = client.receive_exactly(40'000);
  ASSERT_EQ(all.size(), 40'000u);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(all.substr(i * 4, 4), fmt::format("{:04}", i));
}

TEST_F(ConnectionTest, StopTellsEveryHandler) {
  std::vector<RawClient> clients;
  const Address address = listen();
  for (int i = 0; i < 50; ++i) clients.emplace_back(address);
  ASSERT_TRUE(eventually([&] { return script_.opened == 50; }));
  loops_.stop();
  EXPECT_EQ(script_.closed, 50);
  EXPECT_EQ(script_.destroyed, 50);
  EXPECT_EQ(script_.closed_because(), "the program is stopping");
  for (RawClient& client : clients) EXPECT_EQ(client.receive(), "");
}

TEST_F(ConnectionTest, TwoThousandAtOnce) {
  script_.bytes = echo;
  std::vector<RawClient> clients;
  const Address address = listen();
  for (int i = 0; i < 2000; ++i) {
    clients.emplace_back(address);
    ASSERT_TRUE(clients.back().connected()) << i;
  }
  for (RawClient& client : clients) ASSERT_TRUE(client.send("ping"));
  for (RawClient& client : clients) ASSERT_EQ(client.receive_exactly(4), "ping");
  EXPECT_EQ(listener_->connections(), 2000u);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return script_.closed == 2000; }));
}

}  // namespace
}  // namespace campanile::net
