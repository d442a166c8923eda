#include "net/proxy_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "net/transport.h"
#include "raw_client.h"

namespace campanile::net {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string header(char command, char family, const std::string& rest) {
  std::string out = kSignature;
  out += command;
  out += family;
  out += static_cast<char>(rest.size() >> 8);
  out += static_cast<char>(rest.size() & 0xff);
  return out + rest;
}

const std::string kTcp4 = header('\x21', '\x11', "\xc0\x00\x02\x07\x7f\x00\x00\x01\x30\x39\x07\x5b"s);  // 192.0.2.7:12345 to 127.0.0.1:1883

TEST(ProxyHeader, TellsTheClientsAddress) {
  const auto tcp4 = parse_proxy_header(kTcp4 + "\x10 and what follows");
  ASSERT_TRUE(tcp4 && *tcp4);
  EXPECT_EQ((*tcp4)->size, 28u);
  EXPECT_EQ((*tcp4)->source->to_string(), "192.0.2.7:12345");
  const std::string from = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"s;
  const auto tcp6 = parse_proxy_header(header('\x21', '\x21', from + from + "\x30\x39\x07\x5b"));
  ASSERT_TRUE(tcp6 && *tcp6);
  EXPECT_EQ((*tcp6)->size, 52u);
  EXPECT_EQ((*tcp6)->source->to_string(), "[2001:db8::7]:12345");
}

TEST(ProxyHeader, ExtensionsAreSkipped) {
  const auto parsed = parse_proxy_header(header('\x21', '\x11', "\xc0\x00\x02\x07\x7f\x00\x00\x01\x30\x39\x07\x5b\x04\x00\x03xyz"s) + "rest");
  ASSERT_TRUE(parsed && *parsed);
  EXPECT_EQ((*parsed)->size, 34u);
  EXPECT_EQ((*parsed)->source->to_string(), "192.0.2.7:12345");
}

TEST(ProxyHeader, WhatNamesNoTcpAddressIsLetThrough) {
  for (const std::string& bytes : {header('\x20', '\x00', ""), header('\x20', '\x11', std::string(12, 'x')), header('\x21', '\x00', "abc"),
                                   header('\x21', '\x31', std::string(216, '/')), header('\x21', '\x12', std::string(12, 'x'))}) {
    const auto parsed = parse_proxy_header(bytes);
    ASSERT_TRUE(parsed && *parsed);
    EXPECT_EQ((*parsed)->size, bytes.size());
    EXPECT_FALSE((*parsed)->source);
  }
}

TEST(ProxyHeader, WaitsForTheWholeByteByByte) {
  for (size_t size = 0; size < kTcp4.size(); ++size) {
    const auto parsed = parse_proxy_header(kTcp4.substr(0, size));
    ASSERT_TRUE(parsed) << size;
    EXPECT_FALSE(*parsed) << size;
  }
  EXPECT_TRUE(*parse_proxy_header(kTcp4));
}

TEST(ProxyHeader, RefusesWhatIsNone) {
  EXPECT_THAT(parse_proxy_header("\x10").error().message, HasSubstr("no PROXY header of version 2"));
  EXPECT_THAT(parse_proxy_header("PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n").error().message, HasSubstr("send-proxy-v2"));
  EXPECT_FALSE(parse_proxy_header(kSignature.substr(0, 11) + "x"));
  EXPECT_THAT(parse_proxy_header(header('\x11', '\x11', std::string(12, 'x'))).error().message, HasSubstr("0x11"));
  EXPECT_THAT(parse_proxy_header(header('\x22', '\x11', std::string(12, 'x'))).error().message, HasSubstr("0x22"));
  EXPECT_THAT(parse_proxy_header(header('\x21', '\x11', std::string(11, 'x'))).error().message, HasSubstr("11 bytes are too few"));
  EXPECT_FALSE(parse_proxy_header(header('\x21', '\x21', std::string(35, 'x'))));
  EXPECT_THAT(parse_proxy_header(kSignature + "\x21\x11\xff\xff"s).error().message, HasSubstr("allowed are 16384"));
}

// Tells the peer's address, then echoes.
class Teller final : public TcpHandler {
 public:
  explicit Teller(std::atomic<int>& opened) : opened_(opened) {}
  void on_open(TcpConnection& connection) override {
    ++opened_;
    connection.send(connection.peer().host + "|");
  }
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    connection.send(bytes);
    return bytes.size();
  }

 private:
  std::atomic<int>& opened_;
};

class ProxyHandlerTest : public testing::Test {
 protected:
  ProxyHandlerTest() : loops_(1) { loops_.start(); }
  ~ProxyHandlerTest() override { loops_.stop(); }
  void listen(std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    listener_ = *TcpListener::listen(loops_, {"127.0.0.1", 0}, {},
                                     over_transport({.proxy_protocol = true, .tls = nullptr, .websocket = std::nullopt, .opening_timeout = timeout},
                                                    [this](EventLoop&) { return std::make_unique<Teller>(opened_); }));
  }
  EventLoopPool loops_;
  std::unique_ptr<TcpListener> listener_;
  std::atomic<int> opened_{0};
};

TEST_F(ProxyHandlerTest, TheHandlerSeesTheClient) {
  listen();
  RawClient client(listener_->address());
  client.send(kTcp4 + "hello");
  EXPECT_EQ(client.receive_exactly(15), "192.0.2.7|hello");
  client.send("more");
  EXPECT_EQ(client.receive_exactly(4), "more");
  RawClient slow(listener_->address());
  for (const char byte : kTcp4) slow.send({&byte, 1});
  EXPECT_EQ(slow.receive_exactly(10), "192.0.2.7|");
  RawClient check(listener_->address());
  check.send(header('\x20', '\x00', ""));
  EXPECT_EQ(check.receive_exactly(10), "127.0.0.1|") << "the proxy itself";
}

TEST_F(ProxyHandlerTest, WhoSendsNoHeaderIsClosed) {
  listen(std::chrono::milliseconds(100));
  RawClient wrong(listener_->address());
  wrong.send("\x10\x10 CONNECT");
  EXPECT_EQ(wrong.receive_all(), "");
  RawClient silent(listener_->address());
  EXPECT_EQ(silent.receive_all(), "");
  RawClient half(listener_->address());
  half.send(kTcp4.substr(0, 20));
  EXPECT_EQ(half.receive_all(), "");
  EXPECT_EQ(opened_, 0);
}

}  // namespace
}  // namespace campanile::net
