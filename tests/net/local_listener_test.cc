#include "net/local_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

#include "raw_client.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

class Echo final : public TcpHandler {
 public:
  void on_open(TcpConnection& connection) override { connection.send(connection.peer().to_string() + "|"); }
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    connection.send(bytes);
    return bytes.size();
  }
};

// A blocking client of a local socket.
class LocalClient {
 public:
  explicit LocalClient(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    timeval patience{kPatience.count(), 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
  }
  ~LocalClient() { close(fd_); }
  bool connected() const { return connected_; }
  void send(std::string_view bytes) { EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())); }
  std::string receive(size_t count) {
    std::string all;
    while (all.size() < count) {
      char space[4096];
      const ssize_t got = recv(fd_, space, std::min(sizeof space, count - all.size()), 0);
      if (got <= 0) break;
      all.append(space, static_cast<size_t>(got));
    }
    return all;
  }

 private:
  int fd_;
  bool connected_ = false;
};

class LocalListenerTest : public testing::Test {
 protected:
  LocalListenerTest() : loops_(2) {
    loops_.start();
    char folder[] = "/tmp/campanile_local_XXXXXX";
    folder_ = mkdtemp(folder);
    path_ = folder_ / "mqtt.sock";
  }
  ~LocalListenerTest() override {
    loops_.stop();
    std::filesystem::remove_all(folder_);
  }
  Result<std::unique_ptr<TcpListener>> listen(uint32_t mode = 0660, size_t connections_max = 100) {
    return listen_local(loops_, {path_, mode}, {.connections_max = connections_max}, [](EventLoop&) { return std::make_unique<Echo>(); });
  }
  EventLoopPool loops_;
  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(LocalListenerTest, CarriesBytesAndHasItsMode) {
  auto listener = listen(0600);
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_EQ((*listener)->address().to_string(), path_);
  EXPECT_TRUE((*listener)->address().is_loopback());
  struct stat info{};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  for (int i = 0; i < 4; ++i) {
    LocalClient client(path_);
    client.send("hello");
    EXPECT_EQ(client.receive(path_.size() + 6), path_ + "|hello");
  }
  const std::string much(3 << 20, 'x');
  LocalClient client(path_);
  std::thread sender([&] { client.send(much); });
  EXPECT_EQ(client.receive(path_.size() + 1 + much.size()).size(), path_.size() + 1 + much.size());
  sender.join();
  EXPECT_EQ((*listener)->connections(), 1u);
}

TEST_F(LocalListenerTest, TheFileGoesWithIt) {
  {
    auto listener = listen();
    ASSERT_TRUE(listener);
    EXPECT_TRUE(std::filesystem::exists(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(LocalListenerTest, ReplacesWhatACrashLeftAndNothingElse) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path_.copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  close(fd);
  {
    auto listener = listen();
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_TRUE(LocalClient(path_).connected());
    const auto second = listen();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
    EXPECT_THAT(second.error().message, HasSubstr("another program has it"));
    EXPECT_TRUE(LocalClient(path_).connected()) << "the first is undisturbed";
  }
  std::ofstream(path_) << "precious";
  const auto refused = listen();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no socket"));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(LocalListenerTest, RefusesPathsThatDoNotFit) {
  path_ = "/tmp/" + std::string(120, 'x');
  EXPECT_THAT(listen().error().message, HasSubstr("longer than 107 bytes"));
  path_ = "/nowhere/at/all.sock";
  EXPECT_THAT(listen().error().message, HasSubstr("cannot listen on /nowhere/at/all.sock: "));
}

TEST_F(LocalListenerTest, ClosesConnectionsBeyondItsLimit) {
  auto listener = listen(0660, 1);
  ASSERT_TRUE(listener);
  LocalClient first(path_);
  EXPECT_EQ(first.receive(path_.size() + 1), path_ + "|");
  LocalClient second(path_);
  EXPECT_EQ(second.receive(1), "");
}

}  // namespace
}  // namespace campanile::net
