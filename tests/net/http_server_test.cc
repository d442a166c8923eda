#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "http_client.h"

namespace campanile::net {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() : loops_(2) {
    loops_.start();
    handler_ = [](HttpRequest request, HttpResponder responder) {
      responder.respond(
          {.status = 200, .headers = {{"X-Method", request.method}}, .body = request.path + "|" + request.body});
    };
  }
  ~HttpServerTest() override {
    for (auto& worker : workers_) worker.join();
    loops_.stop();
  }
  RawClient connect(const HttpServerOptions& options = {}) {
    if (!server_) {
      auto server =
          HttpServer::listen(loops_, {"127.0.0.1", 0}, options, [this](HttpRequest request, HttpResponder responder) {
            ++requests_;
            handler_(std::move(request), std::move(responder));
          });
      EXPECT_TRUE(server);
      server_ = std::move(*server);
    }
    return RawClient(server_->address());
  }
  // A handler that answers from a thread of its own, as queries do.
  void work_elsewhere(std::function<void(HttpRequest, HttpResponder)> work) {
    handler_ = [this, work = std::move(work)](HttpRequest request, HttpResponder responder) {
      std::lock_guard lock(mutex_);
      workers_.emplace_back([work, request = std::move(request), responder = std::move(responder)]() mutable {
        work(std::move(request), std::move(responder));
      });
    };
  }

  EventLoopPool loops_;
  HttpHandler handler_;
  std::atomic<int> requests_ = 0;
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  std::vector<std::thread> workers_;
};

const std::string kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  RawClient client = connect();
  for (int i = 0; i < 3; ++i) {
    client.send("POST /write HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "/write|hello");
    EXPECT_EQ(answer.header("x-method"), "POST");
    EXPECT_EQ(answer.header("connection"), "");
    EXPECT_TRUE(answer.header("date").ends_with("GMT"));
  }
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpServerTest, ClosesWhereAskedTo) {
  for (const char* request : {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    RawClient client = connect();
    client.send(request);
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_EQ(client.receive(), "");
  }
  RawClient old = connect();
  for (int i = 0; i < 2; ++i) {
    old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(receive_answer(old).header("connection"), "keep-alive");
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrderOneAtATime) {
  std::atomic<int> active = 0;
  std::atomic<int> active_max = 0;
  work_elsewhere([&](HttpRequest request, HttpResponder responder) {
    active_max = std::max(active_max.load(), ++active);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --active;
    responder.respond({.body = request.path});
  });
  RawClient client = connect();
  std::string all;
  for (int i = 0; i < 50; ++i) all += fmt::format("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", i);
  client.send(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(receive_answer(client).body, fmt::format("/{}", i));
  EXPECT_EQ(active_max, 1);
}

TEST_F(HttpServerTest, HoldsBackAClientThatPipelinesWithoutEnd) {
  RawClient client = connect();
  std::string all;
  for (int i = 0; i < 20'000; ++i) all += kGet;
  std::jthread writer([&] { EXPECT_TRUE(client.send(all)); });
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(receive_answer(client).status, 200) << i;
}

TEST_F(HttpServerTest, TakesLargeAndChunkedBodies) {
  handler_ = [](HttpRequest request, HttpResponder responder) {
    responder.respond(
        {.body = fmt::format("{} {}", request.body.size(), std::count(request.body.begin(), request.body.end(), 'x'))});
  };
  RawClient client = connect();
  const std::string body(5'000'000, 'x');
  client.send(fmt::format("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.size()) + body);
  EXPECT_EQ(receive_answer(client).body, "5000000 5000000");

  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100; ++i)
    client.send(fmt::format("{:x}\r\n", 10'000 + i) + std::string(10'000 + i, 'x') + "\r\n");
  client.send("0\r\n\r\n");
  EXPECT_EQ(receive_answer(client).body, "1004950 1004950");
  client.send(kGet);
  EXPECT_EQ(receive_answer(client).body, "0 0");
}

TEST_F(HttpServerTest, SaysContinueToWhoWaitsForIt) {
  RawClient client = connect();
  client.send("POST /w HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(receive_answer(client).body, "/w|ok");
  // With the body at hand there is nobody to tell.
  client.send("POST /w HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok");
  EXPECT_EQ(receive_answer(client).status, 200);
}

TEST_F(HttpServerTest, RefusesATooLargeBodyAtOnce) {
  {
    RawClient client = connect({.body_bytes_max = 1000});
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_THAT(answer.body, HasSubstr("over 1000 bytes"));
    EXPECT_EQ(client.receive(), "");
  }
  {
    // One that sends on and reads later still gets the answer.
    RawClient client = connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n");
    EXPECT_TRUE(client.send(std::string(20'000'000, 'x')));
    EXPECT_EQ(receive_answer(client).status, 413);
  }
  {
    RawClient client = connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
    EXPECT_EQ(receive_answer(client).status, 413);
  }
  EXPECT_EQ(requests_, 0);
}

TEST_F(HttpServerTest, RefusesMalformedRequestsInJson) {
  const std::pair<std::string, int> cases[] = {{"nonsense\r\n\r\n", 400},
                                               {"GET / HTTP/1.1\r\n\r\n", 400},
                                               {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'y'), 431}};
  for (const auto& [text, status] : cases) {
    RawClient client = connect();
    client.send(text);
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.header("content-type"), "application/json");
    EXPECT_TRUE(answer.body.starts_with("{\"error\":\"")) << answer.body;
    EXPECT_EQ(client.receive(), "");
  }
  // A good request ahead of a bad one is answered first.
  RawClient client = connect();
  client.send(kGet + "nonsense\r\n\r\n");
  EXPECT_EQ(receive_answer(client).status, 200);
  EXPECT_EQ(receive_answer(client).status, 400);
}

TEST_F(HttpServerTest, LimitsWhatAllBodiesHoldTogether) {
  RawClient first = connect({.bodies_bytes_max = 10'000});
  first.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n" + std::string(8999, 'x'));
  RawClient second = connect();
  second.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n" + std::string(8999, 'x'));
  // Which of the two arrives second is not ours to say.
  EXPECT_TRUE(eventually([&] { return first.readable() || second.readable(); }));
  const bool first_refused = first.readable();
  const Answer refused = receive_answer(first_refused ? first : second);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  RawClient& other = first_refused ? second : first;
  other.send("x");
  EXPECT_EQ(receive_answer(other).status, 200);
  // What was counted has been given back.
  RawClient third = connect();
  third.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n" + std::string(9000, 'x'));
  EXPECT_EQ(receive_answer(third).status, 200);
}

TEST_F(HttpServerTest, RefusesConnectionsBeyondItsLimit) {
  RawClient first = connect({.connections_max = 1});
  first.send(kGet);
  EXPECT_EQ(receive_answer(first).status, 200);
  RawClient second = connect();
  EXPECT_EQ(receive_answer(second).status, 503);
  first.close();
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
  RawClient third = connect();
  third.send(kGet);
  EXPECT_EQ(receive_answer(third).status, 200);
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  RawClient client = connect();
  client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n");
  const Answer answer = receive_answer(client, true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-length"), "5");
  client.send(kGet);
  EXPECT_EQ(receive_answer(client).body, "/x|");
}

TEST_F(HttpServerTest, Answers204WithoutALength) {
  handler_ = [](HttpRequest, HttpResponder responder) { responder.respond({.status = 204}); };
  RawClient client = connect();
  for (int i = 0; i < 2; ++i) {
    client.send(kGet);
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.headers.count("content-length"), 0u);
  }
}

TEST_F(HttpServerTest, ADroppedResponderIsA500) {
  handler_ = [](HttpRequest, HttpResponder) {};
  RawClient client = connect();
  for (int i = 0; i < 2; ++i) {
    client.send(kGet);
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, HasSubstr("error"));
  }
}

TEST_F(HttpServerTest, GivesUpSlowRequestsAndIdleConnections) {
  RawClient slow_header = connect({.idle_timeout = seconds(1), .read_timeout = seconds(1)});
  RawClient slow_body = connect();
  RawClient idle = connect();
  RawClient idle_after = connect();
  slow_header.send("GET / HT");
  slow_body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  idle_after.send(kGet);
  EXPECT_EQ(receive_answer(idle_after).status, 200);
  // A byte now and then does not lengthen a header's time.
  std::jthread trickle([&](std::stop_token stop) {
    while (!stop.stop_requested() && slow_header.send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  EXPECT_EQ(receive_answer(slow_header).status, 408);
  EXPECT_EQ(receive_answer(slow_body).status, 408);
  EXPECT_EQ(idle.receive(), "");
  EXPECT_EQ(idle_after.receive(), "");
  trickle.request_stop();
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(HttpServerTest, ALongAnswerOutlivesTheTimeouts) {
  work_elsewhere([](HttpRequest, HttpResponder responder) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    responder.respond({.body = "at last"});
  });
  RawClient client = connect({.idle_timeout = seconds(1), .read_timeout = seconds(1)});
  client.send(kGet);
  EXPECT_EQ(receive_answer(client).body, "at last");
}

TEST_F(HttpServerTest, GivesUpAClientThatDoesNotTakeItsAnswer) {
  handler_ = [](HttpRequest, HttpResponder responder) { responder.respond({.body = std::string(64 << 20, 'x')}); };
  RawClient client = connect({.idle_timeout = seconds(1)});
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return requests_ == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(HttpServerTest, SendsALargeAnswerWhole) {
  work_elsewhere([](HttpRequest, HttpResponder responder) { responder.respond({.body = std::string(64 << 20, 'x')}); });
  RawClient client = connect();
  client.send(kGet);
  EXPECT_EQ(receive_answer(client).body.size(), 64u << 20);
}

TEST_F(HttpServerTest, StreamsFromAnotherThread) {
  work_elsewhere([](HttpRequest, HttpResponder responder) {
    responder.begin(200, {{"Content-Type", "text/csv"}});
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(responder.write(std::string(100'000, static_cast<char>('a' + i % 26))));
    EXPECT_TRUE(responder.write(""));  // not the end
    EXPECT_TRUE(responder.write("end"));
    responder.finish();
  });
  RawClient client = connect();
  for (int round = 0; round < 2; ++round) {
    client.send(kGet);
    const Answer answer = receive_answer(client);
    EXPECT_EQ(answer.header("transfer-encoding"), "chunked");
    EXPECT_FALSE(answer.cut);
    EXPECT_EQ(answer.body.size(), 100'000'003u);
    EXPECT_TRUE(answer.body.ends_with("end"));
  }
}

TEST_F(HttpServerTest, StreamsToHttp10UntilTheConnectionEnds) {
  handler_ = [](HttpRequest, HttpResponder responder) {
    responder.begin(200, {});
    responder.write("one ");
    responder.write("two");
    responder.finish();
  };
  RawClient client = connect();
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const Answer answer = receive_answer(client);
  EXPECT_EQ(answer.headers.count("transfer-encoding"), 0u);
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_EQ(answer.body, "one two");
  RawClient head = connect();
  head.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + kGet);
  EXPECT_EQ(receive_answer(head, true).status, 200);
  EXPECT_EQ(receive_answer(head).body, "one two");
}

TEST_F(HttpServerTest, AStreamThatIsDroppedIsCut) {
  handler_ = [](HttpRequest, HttpResponder responder) {
    responder.begin(200, {});
    responder.write("part");
  };
  RawClient client = connect();
  client.send(kGet);
  EXPECT_TRUE(receive_answer(client).cut);
}

TEST_F(HttpServerTest, AStreamWaitsForASlowClientInBoundedMemory) {
  std::atomic<size_t> written = 0;
  std::atomic<bool> done = false;
  work_elsewhere([&](HttpRequest, HttpResponder responder) {
    responder.begin(200, {});
    while (written < (200u << 20) && responder.write(std::string(1 << 20, 'x'))) written += 1 << 20;
    responder.finish();
    done = true;
  });
  RawClient client = connect();
  client.send(kGet);
  // It stops where the queues and the kernel's buffers are full. The first look that sees no progress ends the wait.
  size_t before = 1;
  while (before != written) {
    before = written;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  EXPECT_FALSE(done);
  EXPECT_LT(written, 60u << 20);
  EXPECT_EQ(receive_answer(client).body.size(), 200u << 20);
  EXPECT_TRUE(done);
}

TEST_F(HttpServerTest, TellsAWorkerThatTheClientIsGone) {
  std::atomic<bool> started = false;
  std::atomic<bool> saw_it = false;
  work_elsewhere([&](HttpRequest, HttpResponder responder) {
    EXPECT_FALSE(responder.client_gone());
    started = true;
    saw_it = eventually([&] { return responder.client_gone(); });
    responder.respond({.body = "for nobody"});
  });
  RawClient client = connect();
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return started.load(); }));
  client.close();
  EXPECT_TRUE(eventually([&] { return saw_it.load(); }));
}

TEST_F(HttpServerTest, TellsAStreamThatTheClientIsGone) {
  std::atomic<bool> told = false;
  work_elsewhere([&](HttpRequest, HttpResponder responder) {
    responder.begin(200, {});
    while (responder.write(std::string(1 << 20, 'x'))) {
    }
    EXPECT_TRUE(responder.client_gone());
    told = true;
  });
  RawClient client = connect();
  client.send(kGet);
  client.receive(100);
  client.reset();
  EXPECT_TRUE(eventually([&] { return told.load(); }));
}

TEST_F(HttpServerTest, AResponderMayOutliveTheLoops) {
  std::promise<HttpResponder> kept;
  handler_ = [&](HttpRequest, HttpResponder responder) { kept.set_value(std::move(responder)); };
  RawClient client = connect();
  client.send(kGet);
  HttpResponder responder = kept.get_future().get();
  loops_.stop();
  EXPECT_TRUE(responder.client_gone());
  responder.begin(200, {});
  EXPECT_FALSE(responder.write("x"));
  responder.finish();
}

TEST_F(HttpServerTest, StopReleasesAWorkerThatWaitsForRoom) {
  std::atomic<bool> writing = false;
  work_elsewhere([&](HttpRequest, HttpResponder responder) {
    responder.begin(200, {});
    writing = true;
    while (responder.write(std::string(1 << 20, 'x'))) {
    }
  });
  RawClient client = connect();
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return writing.load(); }));
  loops_.stop();
}

TEST_F(HttpServerTest, CloseAnswersWhatIsUnderWayAndTakesNothingNew) {
  std::promise<void> go;
  auto gone = go.get_future().share();
  work_elsewhere([gone](HttpRequest, HttpResponder responder) {
    gone.wait();
    responder.respond({.body = "last"});
  });
  RawClient client = connect();
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return requests_ == 1; }));
  server_->close();
  EXPECT_TRUE(eventually([&] { return !RawClient(server_->address()).connected(); }));
  go.set_value();
  EXPECT_EQ(receive_answer(client).body, "last");
  EXPECT_EQ(client.receive(), "");
}

TEST_F(HttpServerTest, ServesManyConnectionsAtOnce) {
  work_elsewhere([](HttpRequest request, HttpResponder responder) { responder.respond({.body = request.body}); });
  connect();
  std::vector<RawClient> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(connect());
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].send(fmt::format("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n{:05}", i));
  }
  for (size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(receive_answer(clients[i]).body, fmt::format("{:05}", i));
}

}  // namespace
}  // namespace campanile::net
