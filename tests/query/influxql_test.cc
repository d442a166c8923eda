// Statements that change things, and answers that golden files cannot hold because they depend on this program.

#include "query/languages/influxql/influxql.h"

#include <gtest/gtest.h>

#include "influx.h"
#include "memory_engine.h"

namespace campanile::query {
namespace {

using testing::influx;
using testing::InfluxOptions;
using testing::MemoryEngine;

constexpr const char* kDone = R"({"results":[{"statement_id":0}]})";

std::string error(std::string_view message) { return fmt::format(R"({{"results":[{{"statement_id":0,"error":"{}"}}]}})", message); }

TEST(Runner, MakesAndDropsDatabases) {
  MemoryEngine engine;
  EXPECT_EQ(influx(engine, "SHOW DATABASES"), R"({"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"]}]}]})");
  EXPECT_EQ(influx(engine, "CREATE DATABASE a"), kDone);
  EXPECT_EQ(influx(engine, "CREATE DATABASE a"), kDone);
  EXPECT_EQ(influx(engine, "SHOW DATABASES"), R"({"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["a"]]}]}]})");
  EXPECT_EQ(influx(engine, "DROP DATABASE a"), kDone);
  EXPECT_EQ(influx(engine, "DROP DATABASE a"), kDone);
  EXPECT_EQ(influx(engine, "SHOW RETENTION POLICIES ON a"), error("database not found: a"));
}

TEST(Runner, MakesPolicies) {
  MemoryEngine engine;
  EXPECT_EQ(influx(engine, "CREATE DATABASE a WITH DURATION 1d NAME foo"), kDone);
  EXPECT_EQ(influx(engine, "CREATE DATABASE a WITH DURATION 1d NAME foo"), kDone);
  EXPECT_EQ(influx(engine, "CREATE DATABASE a WITH DURATION 2d NAME foo"), error("retention policy conflicts with an existing policy"));
  EXPECT_EQ(influx(engine, "CREATE RETENTION POLICY two ON a DURATION 10m REPLICATION 1"), error("retention policy duration must be at least 1h0m0s"));
  EXPECT_EQ(influx(engine, "CREATE RETENTION POLICY two ON a DURATION 2h REPLICATION 1"), kDone);
  EXPECT_EQ(influx(engine, "CREATE RETENTION POLICY two ON a DURATION 2h REPLICATION 1"), kDone);
  EXPECT_EQ(influx(engine, "CREATE RETENTION POLICY two ON a DURATION 3h REPLICATION 1"), error("retention policy already exists"));
  EXPECT_EQ(influx(engine, "CREATE RETENTION POLICY x ON nosuch DURATION 3h REPLICATION 1"), error("database not found: nosuch"));
  EXPECT_NE(influx(engine, "CREATE RETENTION POLICY x ON a DURATION 3h REPLICATION 2").find("replication must be 1"), std::string::npos);
  EXPECT_NE(influx(engine, "SHOW RETENTION POLICIES ON a").find(R"(["foo","24h0m0s","1h0m0s",1,true],["two","2h0m0s","1h0m0s",1,false])"), std::string::npos);
}

TEST(Runner, WarnsOfWritesInAGet) {
  MemoryEngine engine;
  InfluxOptions options;
  options.is_read_only = true;
  EXPECT_EQ(influx(engine, "CREATE DATABASE a", options),
            R"({"results":[{"statement_id":0,"messages":[{"level":"warning","text":"deprecated use of 'CREATE DATABASE a' in a read only context, please use a POST request instead"}]}]})");
  EXPECT_EQ(influx(engine, "SHOW USERS", options), R"({"results":[{"statement_id":0,"series":[{"columns":["user","admin"]}]}]})");
  EXPECT_EQ(engine.databases(), std::vector<std::string>{"a"});
}

TEST(Runner, UsesTheRetentionPolicyOfTheRequest) {
  MemoryEngine engine;
  engine.load("db0", "m v=1 1000000000");
  ASSERT_TRUE(engine.create_retention_policy("db0", {"two", 0, false}));
  engine.load("db0", "m v=2 1000000000", "two");
  const auto query = influxql::parse("SELECT v FROM m; SELECT v FROM autogen.m");
  std::string body;
  const auto sink = influxql::make_response(influxql::Format::kJson, {}, [&](std::string piece) -> Result<void> {
    body += piece;
    return {};
  });
  ASSERT_TRUE(influxql::run(*query, engine, {.database = "db0", .retention_policy = "two"}, *sink));
  EXPECT_NE(body.find(R"("statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[["1970-01-01T00:00:01Z",2]])"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("statement_id":1,"series":[{"name":"m","columns":["time","v"],"values":[["1970-01-01T00:00:01Z",1]])"), std::string::npos) << body;
}

TEST(Runner, DescribesItself) {
  MemoryEngine engine;
  EXPECT_EQ(influx(engine, "SHOW DIAGNOSTICS FOR 'build'"),
            R"({"results":[{"statement_id":0,"series":[{"name":"build","columns":["Branch","Build Time","Commit","Version"],"values":[["","","","1.8.10"]]}]}]})");
  EXPECT_EQ(influx(engine, "CREATE DATABASE a; SHOW CONTINUOUS QUERIES"),
            R"({"results":[{"statement_id":0},{"statement_id":1,"series":[{"name":"a","columns":["name","query"]}]}]})");
}

// Windows without an end in the query end now.
TEST(Runner, EndsWindowsNow) {
  MemoryEngine engine;
  engine.load("db0", "m v=1 1000000000\nm v=9 99000000000");
  InfluxOptions options;
  options.now_ns = 5'000'000'000;
  EXPECT_EQ(influx(engine, "SELECT sum(v) FROM m WHERE time >= 0s GROUP BY time(2s)", options),
            R"({"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","sum"],"values":[[0,1],[2,null],[4,null]]}]}]})");
  EXPECT_EQ(influx(engine, "SELECT v FROM m WHERE time > now()", options),
            R"({"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[[99,9]]}]}]})");
}

TEST(Runner, RefusesAnAnswerThatIsTooLarge) {
  MemoryEngine engine;
  engine.load("db0", "m v=1 1000000000\nm v=2 2000000000");
  InfluxOptions options;
  options.response.bytes_max = 50;
  EXPECT_EQ(influx(engine, "SELECT v FROM m", options), error("the answer has more than 50 bytes; ask for it with chunked=true, or narrow the query"));
}

TEST(Runner, SpellsJsonAsGoDoes) {
  MemoryEngine engine;
  engine.load("db0", "m s=\"<a>&\\\"\\\\ \x01\t\xe2\x80\xa8\xff é\",big=1e21,tiny=1e-7,n=-0.000001,u=9007199254740993i 1000000000");
  EXPECT_EQ(influx(engine, "SELECT s, big, tiny, n, u FROM m"),
            R"({"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","s","big","tiny","n","u"],"values":[[1,"\u003ca\u003e\u0026\"\\ \u0001\t\u2028\ufffd é",1e+21,1e-7,-0.000001,9007199254740993]]}]}]})");
}

}  // namespace
}  // namespace campanile::query
