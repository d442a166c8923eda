#include "api/seal.h"

#include <atomic>
#include <thread>

#include "base/worker_pool.h"
#include "tests/api/test_server.h"

namespace campanile::api {
namespace {

class SealTest : public testing::Test {
 protected:
  Answer post() { return server_.ask("POST /api/v1/seal HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); }

  std::function<Result<Sealed>()> work_;
  WorkerPool workers_{{.threads = 2, .queue_max = 10}};
  SealResource resource_{[this] { return work_(); }, [this](WorkerPool::Task task) { return workers_.submit(std::move(task)); }};
  TestServer server_{[this](net::HttpRequest request, net::HttpResponder responder) { resource_.handle(std::move(request), std::move(responder)); }};
};

TEST_F(SealTest, SaysWhatIsOnDiskAfterwards) {
  work_ = [] { return Sealed{.series_merged = 3, .store_bytes = 1000, .journal_bytes = 20}; };
  const Answer answer = post();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"series_merged\":3,\"store_bytes\":1000,\"journal_bytes\":20}\n");
}

TEST_F(SealTest, SaysWhatWentWrongAndMayBeAskedAgain) {
  work_ = [] { return fail(ErrorCode::kIoError, "no space left on device"); };
  for (int round = 0; round < 2; ++round) {
    const Answer answer = post();
    EXPECT_EQ(answer.status, 500);
    EXPECT_NE(answer.body.find("no space left on device"), std::string::npos);
  }
}

TEST_F(SealTest, IsDoneOnceAtATime) {
  std::atomic<bool> begun = false;
  std::atomic<bool> may_end = false;
  work_ = [&] {
    begun = true;
    while (!may_end) std::this_thread::yield();
    return Sealed{};
  };
  Answer first;
  std::thread other([&] { first = post(); });
  while (!begun) std::this_thread::yield();
  EXPECT_EQ(post().status, 503);
  may_end = true;
  other.join();
  EXPECT_EQ(first.status, 200);
}

}  // namespace
}  // namespace campanile::api
