// TestServer: a real HTTP server on a free loopback port around one handler, and a blocking client to ask it with.
//
//   TestServer server([&](auto request, auto responder) { router.handle(std::move(request), std::move(responder)); });
//   Answer answer = server.ask("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n");
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "net/event_loop.h"
#include "net/http_server.h"

namespace campanile::api {

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
};

class TestServer {
 public:
  explicit TestServer(net::HttpHandler handler) : loops_(1) {
    loops_.start();
    auto listening = net::HttpServer::listen(loops_, {"127.0.0.1", 0}, {}, std::move(handler));
    EXPECT_TRUE(listening) << listening.error().message;
    server_ = std::move(*listening);
  }
  ~TestServer() {
    server_->close();
    loops_.stop();
  }

  net::EventLoopPool& loops() { return loops_; }

  // Sends the bytes as they are and reads one answer with a Content-Length.
  Answer ask(const std::string& request) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const timeval limit{.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->address().port);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    std::string bytes;
    Answer answer;
    char piece[4096];
    while (!complete(bytes, answer, request.starts_with("HEAD"))) {
      const ssize_t got = recv(fd, piece, sizeof piece, 0);
      if (got <= 0) break;
      bytes.append(piece, static_cast<size_t>(got));
    }
    close(fd);
    return answer;
  }

  Answer get(const std::string& path, const std::string& headers = "") {
    return ask("GET " + path + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n");
  }

 private:
  static bool complete(const std::string& bytes, Answer& answer, bool head_only) {
    const size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    answer.head = bytes.substr(0, end + 2);
    answer.status = std::stoi(answer.head.substr(9, 3));
    answer.body = bytes.substr(end + 4);
    if (head_only || answer.status == 204 || answer.status == 304) return true;
    const size_t at = answer.head.find("Content-Length: ");
    return at != std::string::npos && answer.body.size() >= std::stoul(answer.head.substr(at + 16));
  }

  net::EventLoopPool loops_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace campanile::api
