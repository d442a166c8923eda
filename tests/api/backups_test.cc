#include "api/backups.h"

#include <gtest/gtest.h>

#include <thread>

#include <boost/json/parse.hpp>

#include "api/router.h"
#include "base/log.h"
#include "base/worker_pool.h"
#include "tests/api/test_server.h"
#include "tests/backup/running_data.h"

namespace campanile::api {
namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

// The route as wiring.cc makes it, in front of a store and a journal that are in use.
class Served {
 public:
  explicit Served(registry::Accounts accounts)
      : accounts_(std::move(accounts)),
        service_({.data = running_.path(), .place = scratch_.path() / "backups", .program = "test"}, running_.store(), running_.journal(), clock_),
        resource_(service_, accounts_, [this](std::move_only_function<void()> task) { return workers_.submit(std::move(task)); }),
        router_(accounts_, [](net::HttpRequest, net::HttpResponder responder) { responder.respond({.status = 404}); }) {
    log::set_level(log::Level::kOff);
    router_.add("GET", "/api/v1/backups", [this](auto request, auto responder) { resource_.list(std::move(request), std::move(responder)); });
    router_.add("POST", "/api/v1/backups", [this](auto request, auto responder) { resource_.start(std::move(request), std::move(responder)); });
  }
  ~Served() { workers_.stop(); }

  Answer post(const std::string& query, const std::string& headers = "") {
    return server_.ask("POST /api/v1/backups" + query + " HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n" + headers + "\r\n");
  }
  boost::json::object list() {
    const Answer answer = server_.get("/api/v1/backups");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return boost::json::parse(answer.body).as_object();
  }
  boost::json::object list_at_end() {
    for (int i = 0; i < 60'000; ++i) {
      auto now = list();
      if (text(now.at("job").as_object().at("state")) != "running") return now;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << "the backup has not ended";
    return {};
  }
  std::string place() const { return service_.place().string(); }

 private:
  TemporaryDirectory scratch_;
  backup::RunningData running_{scratch_.path() / "data"};
  SystemClock clock_;
  registry::Accounts accounts_;
  WorkerPool workers_{{.threads = 1}};
  backup::Service service_;
  BackupsResource resource_;
  Router router_;
  TestServer server_{[this](net::HttpRequest request, net::HttpResponder responder) { router_.handle(std::move(request), std::move(responder)); }};
};

TEST(BackupsResource, BeginsABackupAndTellsOfIt) {
  Served served({registry::AnonymousAccess::kAll, {}});
  const auto before = served.list();
  EXPECT_TRUE(before.at("job").is_null());
  EXPECT_TRUE(before.at("backups").as_array().empty());
  EXPECT_EQ(text(before.at("directory")), served.place());

  const Answer begun = served.post("?keep=1");
  EXPECT_EQ(begun.status, 202) << begun.body;
  const std::string id = text(boost::json::parse(begun.body).as_object().at("id"));
  const auto after = served.list_at_end();
  EXPECT_EQ(text(after.at("job").as_object().at("id")), id);
  EXPECT_EQ(text(after.at("job").as_object().at("state")), "done");
  EXPECT_TRUE(after.at("job").as_object().at("error").is_null());
  ASSERT_EQ(after.at("backups").as_array().size(), 1u);
  const auto& backup = after.at("backups").as_array()[0].as_object();
  EXPECT_EQ(text(backup.at("id")), id);
  EXPECT_EQ(text(backup.at("program")), "test");
  EXPECT_GT(backup.at("files").as_int64(), 3);

  EXPECT_EQ(served.post("?keep=1").status, 202);
  const auto again = served.list_at_end();
  ASSERT_EQ(again.at("backups").as_array().size(), 1u);
  EXPECT_NE(text(again.at("backups").as_array()[0].as_object().at("id")), id);
}

TEST(BackupsResource, ABadNumberIsRefused) {
  Served served({registry::AnonymousAccess::kAll, {}});
  for (const auto query : {"?keep=-1", "?keep=many", "?keep=1000000000"}) EXPECT_EQ(served.post(query).status, 400) << query;
  EXPECT_TRUE(served.list().at("job").is_null());
}

TEST(BackupsResource, WhereThereAreAccountsItTakesOneToBegin) {
  Served served({registry::AnonymousAccess::kAll, {{"campus", "secret"}}});
  EXPECT_EQ(served.post("").status, 401);
  EXPECT_EQ(served.post("", "Authorization: Token somebody:secret\r\n").status, 401);
  EXPECT_TRUE(served.list().at("job").is_null());
  EXPECT_EQ(served.post("", "Authorization: Token campus:secret\r\n").status, 202);
  EXPECT_EQ(text(served.list_at_end().at("job").as_object().at("state")), "done");
}

}  // namespace
}  // namespace campanile::api
