#include "net/local_pair.h"

#include <gtest/gtest.h>

#include <deque>

namespace campanile::net {
namespace {

// Runs what is posted when the test says so.
class StepLoop final : public EventLoop {
 public:
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId run_after(std::chrono::milliseconds, Task) override { return 0; }
  void cancel(TimerId) override {}
  bool is_current() const override { return true; }
  size_t index() const override { return 0; }
  void run() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  std::deque<Task> tasks_;
};

struct Told {
  std::string text;
  size_t use_at_most = SIZE_MAX;
  int low = 0;
  bool gone = false;
  std::shared_ptr<TcpConnection> connection;
};

class Recorder final : public TcpHandler {
 public:
  explicit Recorder(Told& told) : told_(told) {}
  ~Recorder() override { told_.gone = true; }
  void on_open(TcpConnection& connection) override {
    told_.connection = connection.shared_from_this();
    told_.text += "open;";
  }
  size_t on_bytes(TcpConnection&, std::string_view bytes) override {
    const size_t used = std::min(bytes.size(), told_.use_at_most);
    told_.text += std::string(bytes.substr(0, used)) + ";";
    return used;
  }
  void on_send_queue_low(TcpConnection&) override { ++told_.low; }
  void on_closed(TcpConnection&, std::string_view reason) override {
    told_.text += "closed: " + std::string(reason);
    told_.connection.reset();
  }

 private:
  Told& told_;
};

class LocalPairTest : public testing::Test {
 protected:
  void SetUp() override {
    client_end = connect_local(loop, std::make_unique<Recorder>(server), std::make_unique<Recorder>(client));
    EXPECT_EQ(server.text, "") << "nothing happens inside the call";
    loop.run();
    ASSERT_EQ(server.text, "open;");
    ASSERT_EQ(client.text, "open;");
    server.text.clear();
    client.text.clear();
  }
  void TearDown() override {
    if (server.connection) server.connection->abort();
    loop.run();
  }

  StepLoop loop;
  Told server;
  Told client;
  std::shared_ptr<TcpConnection> client_end;
};

TEST_F(LocalPairTest, WhatOneEndSendsTheOtherReceivesInALaterTurn) {
  client_end->send("ab");
  client_end->send("cd");
  EXPECT_EQ(server.text, "");
  EXPECT_EQ(client_end->send_queue_bytes(), 4u);
  loop.run();
  EXPECT_EQ(server.text, "abcd;");
  EXPECT_EQ(client_end->send_queue_bytes(), 0u);
  EXPECT_EQ(client_end->sent_bytes(), 4u);
  server.connection->send_owned("answer");
  loop.run();
  EXPECT_EQ(client.text, "answer;");
}

TEST_F(LocalPairTest, UnusedInputComesAgainWithMoreOrAfterResume) {
  server.use_at_most = 1;
  client_end->send("abc");
  loop.run();
  EXPECT_EQ(server.text, "a;");
  client_end->send("d");
  loop.run();
  EXPECT_EQ(server.text, "a;b;");
  server.use_at_most = SIZE_MAX;
  server.connection->resume_reading();
  loop.run();
  EXPECT_EQ(server.text, "a;b;cd;");
}

TEST_F(LocalPairTest, APausedEndReceivesNothingUntilItResumes) {
  server.connection->pause_reading();
  client_end->send("abc");
  loop.run();
  EXPECT_EQ(server.text, "");
  EXPECT_EQ(client_end->send_queue_bytes(), 3u);
  server.connection->resume_reading();
  loop.run();
  EXPECT_EQ(server.text, "abc;");
}

TEST_F(LocalPairTest, TheSenderIsToldWhenItsQueueIsLowAfterItWasHigh) {
  server.use_at_most = 100'000;
  client_end->send(std::string(300'000, 'x'));
  loop.run();
  EXPECT_EQ(client.low, 0);
  server.connection->resume_reading();
  loop.run();
  EXPECT_EQ(client_end->send_queue_bytes(), 100'000u);
  EXPECT_EQ(client.low, 0);
  server.connection->resume_reading();
  loop.run();
  EXPECT_EQ(client.low, 1);
  client_end->send("little");
  server.connection->resume_reading();
  loop.run();
  EXPECT_EQ(client.low, 1);
}

TEST_F(LocalPairTest, CloseHandsOverWhatIsQueuedAndEndsBothEnds) {
  client_end->send("last words");
  client_end->close();
  EXPECT_EQ(client.text, "") << "never inside the call";
  loop.run();
  EXPECT_EQ(server.text, "last words;closed: closed by the peer");
  EXPECT_EQ(client.text, "closed: closed by this side");
  EXPECT_TRUE(server.gone);
  EXPECT_TRUE(client.gone);
  client_end->send("into the void");
  client_end->close();
  client_end->abort();
  loop.run();
}

TEST_F(LocalPairTest, AbortLosesWhatIsQueued) {
  server.connection->send("lost");
  server.connection->abort();
  loop.run();
  EXPECT_EQ(client.text, "closed: connection reset");
  EXPECT_EQ(server.text, "closed: closed by this side");
}

TEST_F(LocalPairTest, WhoClosesReceivesNothingAnyMore) {
  server.connection->send("too late");
  client_end->close();
  loop.run();
  EXPECT_EQ(client.text, "closed: closed by this side");
}

}  // namespace
}  // namespace campanile::net
