#include "decoders/line_protocol/line_parser.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "model/series_key.h"

namespace campanile::decoders {
namespace {

struct Parsed {
  std::string points;
  LineErrors errors;
};

std::string series_of(const PointBatch& batch, const PointBatch::Point& point) {
  std::string key;
  append_series_key(key, point.measurement, batch.tags(point));
  return key;
}

Parsed parse(std::string_view body, const LineOptions& options = {}) {
  Parsed out;
  PointBatch batch;
  parse_lines(body, options, batch, out.errors);
  for (const auto& point : batch.points()) {
    const std::string key = series_of(batch, point);
    if (!point.series_key.empty()) {
      EXPECT_EQ(point.series_key, key) << body;
    }
    out.points += std::to_string(point.line) + ": " + key;
    for (const Field& field : batch.fields(point)) out.points += " " + std::string(field.name) + "=" + to_string(field.value);
    if (point.has_time) out.points += " @" + std::to_string(point.time_ns);
    out.points += "\n";
  }
  return out;
}

std::string points(std::string_view body) {
  const Parsed parsed = parse(body);
  EXPECT_EQ(parsed.errors.total, 0u) << body << " -> " << describe(parsed.errors);
  return parsed.points;
}

// The reason alone, for a body of one bad line.
std::string reason(std::string_view line) {
  const Parsed parsed = parse(line);
  EXPECT_EQ(parsed.points, "") << line;
  if (parsed.errors.total != 1) return "errors: " + std::to_string(parsed.errors.total);
  const std::string& message = parsed.errors.first[0].message;
  const std::string prefix = "unable to parse '" + std::string(line) + "': ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

bool has_series_key(std::string_view line) {
  PointBatch batch;
  LineErrors errors;
  parse_lines(line, {}, batch, errors);
  EXPECT_EQ(batch.size(), 1u) << line;
  const auto& point = batch.points()[0];
  if (!point.series_key.empty()) {
    EXPECT_EQ(point.series_key, series_of(batch, point));
  }
  return !point.series_key.empty();
}

TEST(LineParser, ReadsPoints) {
  EXPECT_EQ(points("cpu,host=a,zone=z value=1.5,n=3i,u=4u,on=t,s=\"x y\" 1700000000000000000"),
            "1: cpu,host=a,zone=z value=1.5 n=3i u=4u on=true s=\"x y\" @1700000000000000000\n");
  EXPECT_EQ(points("cpu value=1"), "1: cpu value=1\n");
  EXPECT_EQ(points("  cpu   value=1   -5  \t"), "1: cpu value=1 @-5\n");
  EXPECT_EQ(points("b v=t,w=F,x=TRUE,y=False,z=true"), "1: b v=true w=false x=true y=false z=true\n");
}

TEST(LineParser, SkipsBlankLinesAndCommentsAndCountsThem) {
  EXPECT_EQ(points("\n   \n# one\n  # two\n\na v=1\n\t\nb v=2\n\n"), "6: a v=1\n8: b v=2\n");
  EXPECT_EQ(points(""), "");
  EXPECT_EQ(points(std::string_view("\0", 1)), "");
  EXPECT_EQ(points("# only"), "");
}

TEST(LineParser, TakesCarriageReturnsBeforeLineFeeds) {
  EXPECT_EQ(points("a v=1\r\n\r\nb v=2i 7\r\nc s=\"x\r\ny\" 8\r\n# c\r\n"), "1: a v=1\n3: b v=2i @7\n4: c s=\"x\r\ny\" @8\n");
}

TEST(LineParser, UnescapesNames) {
  EXPECT_EQ(points("m\\ 1,t\\=k=a\\,b v\\ x=1"), "1: m\\ 1,t\\=k=a\\,b v x=1\n");
  EXPECT_EQ(points("m\\=1 v=1"), "1: m=1 v=1\n");
  EXPECT_EQ(points("m\\a,t=x\\y,u=x\\\\y v=1"), "1: m\\a,t=x\\y,u=x\\\\y v=1\n");
  EXPECT_EQ(points("m,t=a\\\\\\ b v=1"), "1: m,t=a\\\\\\ b v=1\n");
  EXPECT_EQ(points("m,t==b v=1"), "1: m,t=\\=b v=1\n");
  EXPECT_EQ(points("f \"vk\"=1,a\"b=2,v\\,k=3,#v=4"), "1: f \"vk\"=1 a\"b=2 v,k=3 #v=4\n");
}

TEST(LineParser, UnescapesStrings) {
  EXPECT_EQ(points(R"(f v="a\\b\"c\nd\,e")"), "1: f v=\"a\\b\"c\\nd\\,e\"\n");
  EXPECT_EQ(points(R"(f v="",w="a,b=c d" 1)"), "1: f v=\"\" w=\"a,b=c d\" @1\n");
  EXPECT_EQ(points("f v=\"x\ny\" 3\ng v=1"), "1: f v=\"x\ny\" @3\n3: g v=1\n");
  EXPECT_EQ(points("m,t=\"a v=1\nm,u=b\" v=2"), "1: m,t=\"a v=1\n2: m,u=b\" v=2\n");
}

TEST(LineParser, GivesTheSeriesKeyWhereTheLineHoldsIt) {
  EXPECT_TRUE(has_series_key("m v=1"));
  EXPECT_TRUE(has_series_key("m,a=1,b=2 v=1"));
  EXPECT_TRUE(has_series_key("m\\ x,a=1\\ 2,b=\\= v=1"));
  EXPECT_FALSE(has_series_key("m,b=1,a=2 v=1"));
  EXPECT_FALSE(has_series_key("m\\=x v=1"));
  EXPECT_FALSE(has_series_key("m,a==b v=1"));
}

// Knows the series of a text, as a store would that has all of it already.
class SeriesOf final : public KnownSeries {
 public:
  explicit SeriesOf(std::string_view body) {
    PointBatch batch;
    LineErrors errors;
    parse_lines(body, {}, batch, errors);
    for (const auto& point : batch.points()) measurements_.emplace(series_of(batch, point), point.measurement);
  }
  void lock() override { is_locked_ = true; }
  void unlock() override { is_locked_ = false; }
  Found find(std::string_view key) override {
    EXPECT_TRUE(is_locked_);
    const auto found = measurements_.find(std::string(key));
    if (found == measurements_.end()) return {};
    ++found_;
    return {&found->second, found->second};
  }
  size_t found() const { return found_; }

 private:
  std::map<std::string, std::string> measurements_;
  bool is_locked_ = false;
  size_t found_ = 0;
};

// Each point as parse() writes it, of series that are known and of those that are not.
std::string parse_known(std::string_view body, SeriesOf& known) {
  PointBatch batch;
  LineErrors errors;
  parse_lines(body, {.known = &known}, batch, errors);
  std::string out;
  for (const auto& point : batch.points()) {
    EXPECT_TRUE(point.series == nullptr || point.tags_count == 0);
    out += std::to_string(point.line) + ": " + (point.series ? std::string(point.series_key) : series_of(batch, point));
    for (const Field& field : batch.fields(point)) out += " " + std::string(field.name) + "=" + to_string(field.value);
    if (point.has_time) out += " @" + std::to_string(point.time_ns);
    out += "\n";
  }
  return out + describe(errors);
}

TEST(LineParser, DoesNotTakeApartWhatIsKnown) {
  const std::string body = "cpu,host=a,zone=z value=1 5\n# a remark\ncpu value=2\nmem,host=a used=1i,free=2i 7\ncpu,zone=z,host=a value=3\n";
  SeriesOf known(body);
  EXPECT_EQ(parse_known(body, known), parse(body).points);
  EXPECT_EQ(known.found(), 3u) << "the last line has its tags in another order";
}

TEST(LineParser, WhatHasTagsForEveryPointIsTakenApart) {
  SeriesOf known("cpu,host=a value=1");
  PointBatch batch;
  LineErrors errors;
  const std::vector<Tag> tags = {{"site", "b"}};
  parse_lines("cpu,host=a value=1", {.tags = tags, .known = &known}, batch, errors);
  EXPECT_EQ(batch.tags(batch.points()[0]).size(), 2u);
  EXPECT_EQ(known.found(), 0u);
}

// Series are known by canonical texts alone, and a line that has the same bytes must mean the same.
TEST(LineParser, KnownOrNotALineMeansTheSame) {
  const uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const auto text = [&random](int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += std::string_view("ab,=\\ \n\"")[random.below(8)];
    return out;
  };
  size_t found = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body;
    for (int line = 0; line < 3; ++line) {
      body += random.one_in(3) ? "m" + text(static_cast<int>(random.below(9))) : "m,a=" + text(2) + ",b=" + text(2);
      body += random.one_in(4) ? " " : " v=1";
      if (random.one_in(2)) body += " 5";
      body += "\n";
    }
    SeriesOf known(body);
    const Parsed parsed = parse(body);
    ASSERT_EQ(parse_known(body, known), parsed.points + describe(parsed.errors)) << body;
    found += known.found();
  }
  EXPECT_GT(found, 1000u);
}

TEST(LineParser, ScalesTimes) {
  const std::pair<Precision, int64_t> cases[] = {{Precision::kNanoseconds, 7},           {Precision::kMicroseconds, 7'000},
                                                 {Precision::kMilliseconds, 7'000'000},   {Precision::kSeconds, 7'000'000'000},
                                                 {Precision::kMinutes, 420'000'000'000}, {Precision::kHours, 25'200'000'000'000}};
  for (const auto& [precision, wanted] : cases) {
    EXPECT_EQ(parse("m v=1 7", {.precision = precision}).points, "1: m v=1 @" + std::to_string(wanted) + "\n");
  }
  EXPECT_EQ(points("m v=1 9223372036854775806"), "1: m v=1 @9223372036854775806\n");
  const std::string outside = "time outside range -9223372036854775806 - 9223372036854775806";
  EXPECT_EQ(reason("m v=1 9223372036854775807"), outside);
  EXPECT_EQ(reason("m v=1 -9223372036854775807"), outside);
  EXPECT_TRUE(parse("m v=1 10000000000000", {.precision = Precision::kSeconds}).errors.first.at(0).message.ends_with(outside));
}

// Each text was taken from InfluxDB 1.6.7's answer to the same line.
TEST(LineParser, RefusesInTheWordsOfInfluxDB) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"cpu", "missing fields"},
      {"cpu ", "invalid field format"},
      {"cpu,", "missing tag key"},
      {"cpu,host", "missing tag value"},
      {"cpu,host ", "missing tag value"},
      {"cpu,host=", "missing tag value"},
      {"cpu,host= value=1", "missing tag value"},
      {"cpu,=a value=1", "missing tag key"},
      {"cpu,host=a,host=b value=1", "duplicate tags"},
      {"cpu,b=1,a=2,b=3 value=1", "duplicate tags"},
      {"cpu,host=a", "missing fields"},
      {"cpu,host=a ", "invalid field format"},
      {"cpu,host=a value", "invalid field format"},
      {"cpu,host=a value=", "missing field value"},
      {"cpu,host=a =1", "missing field key"},
      {"cpu,host=a value=1,", "invalid field format"},
      {"cpu,host=a value=1 ,x=2", "bad timestamp"},
      {"cpu value=1 abc", "bad timestamp"},
      {"cpu value=1 12x", "bad timestamp"},
      {"cpu value=1 1.5", "bad timestamp"},
      {"cpu value=1 -", "strconv.ParseInt: parsing \"-\": invalid syntax"},
      {"cpu value=1 99999999999999999999", "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"},
      {"cpu value=1 1 2", "point is invalid"},
      {"cpu value=1 +5", "bad timestamp"},
      {"cpu value=1 5-3", "bad timestamp"},
      {"ci v=1.5i", "invalid number"},
      {"cb v=fAlse", "invalid boolean"},
      {"cb v=truee", "invalid boolean"},
      {"cf v=+5", "invalid boolean"},
      {"cf v=inf", "invalid boolean"},
      {"cf v=NaN", "invalid number"},
      {"cf v=1e400", "invalid float"},
      {"cs v=\"a", "unbalanced quotes"},
      {"cs v=a\"", "invalid boolean"},
      {"cs v='a'", "invalid boolean"},
      {"cs v=1\"a\"", "invalid number"},
      {"cs x=\"a\\\"", "unbalanced quotes"},
      {",a=b v=1", "missing measurement"},
      {"m,t=a\\ v=1", "invalid tag format"},
      {"m,t=a=b v=1", "invalid tag format"},
      {"m,t=a,,u=b v=1", "missing tag key"},
      {"m,t=a, v=1", "missing tag key"},
      {"m v==1", "invalid boolean"},
      {"m v=1=2", "invalid number"},
      {"m v=1,,b=2", "invalid field format"},
      {"m ,v=1", "invalid field format"},
      {"m v=1, b=2", "invalid field format"},
      {"m v =1", "invalid field format"},
      {"m v= 1", "missing field value"},
      {"m v=1\\,b=2", "invalid number"},
      {"m,t=\"a b\" v=1", "invalid field format"},
      {"h\\\\ v=1", "missing fields"},
      {"h,t=1 # v=1", "invalid field format"},
      {"h v=1 # x", "bad timestamp"},
      {"h20\\", "missing fields"},
      {"h20,a\\", "missing tag value"},
      {"h20 v=\\", "invalid boolean"},
      {"h22,a\\=b v=1", "missing tag value"},
      {"h28 v=\"a\" \"b\"", "bad timestamp"},
  };
  for (const auto& [line, wanted] : cases) EXPECT_EQ(reason(line), wanted) << line;
}

TEST(LineParser, RefusesBytesAfterAString) { EXPECT_EQ(reason("g v=\"a\"junk"), "invalid field format"); }

TEST(LineParser, KnowsTheNamesThatCannotBe) {
  EXPECT_EQ(reason("m time=1"), "invalid field name: input field \"time\" on measurement \"m\" is invalid");
  EXPECT_EQ(reason("m,time=a v=1"), "invalid tag key: input tag \"time\" on measurement \"m\" is invalid");
  EXPECT_EQ(parse("m time=1\nm,time=a v=1\nm v=").errors.dropped, 2u);
  EXPECT_EQ(points("m time=1,v=2\nm v=1,time=2"), "1: m v=2\n2: m v=1\n");
}

TEST(LineParser, KeepsTheGoodLinesAndNumbersTheBadOnes) {
  const Parsed parsed = parse("a v=1\nb v=\n\nc s=\"x\ny\",t=\nd v=2\ne s=\"1\n2\" z\nf v=3");
  EXPECT_EQ(parsed.points, "1: a v=1\n6: d v=2\n9: f v=3\n");
  ASSERT_EQ(parsed.errors.total, 3u);
  EXPECT_EQ(parsed.errors.first[0].line, 2u);
  EXPECT_EQ(parsed.errors.first[1].line, 4u);
  EXPECT_EQ(parsed.errors.first[1].message, "unable to parse 'c s=\"x\\x0ay\",t=': missing field value");
  EXPECT_EQ(parsed.errors.first[2].line, 7u);
}

TEST(LineParser, ABadTagWithAQuoteSpoilsOnlyItsLine) {
  const Parsed parsed = parse("m,t=\"a x\ngood v=1\nm,u=b\" v=2\n");
  EXPECT_EQ(parsed.points, "2: good v=1\n3: m,u=b\" v=2\n");
  EXPECT_EQ(parsed.errors.total, 1u);
}

TEST(LineParser, AQuoteThatNeverClosesSpoilsTheRest) {
  const Parsed parsed = parse("a v=1\nb s=\"x\nc v=2\nd v=3");
  EXPECT_EQ(parsed.points, "1: a v=1\n");
  EXPECT_EQ(parsed.errors.total, 1u);
}

TEST(LineParser, CountsMoreErrorsThanItKeeps) {
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "bad\n";
  const Parsed parsed = parse(body);
  EXPECT_EQ(parsed.errors.total, 1000u);
  EXPECT_EQ(parsed.errors.first.size(), LineErrors::kErrorsKeptMax);
  EXPECT_TRUE(describe(parsed.errors).ends_with("\nand 900 more bad lines"));
}

TEST(LineParser, AddsTheTagsOfTheRoute) {
  const Tag tags[] = {{"site", "north"}, {"host", "route"}};
  EXPECT_EQ(parse("m,host=a v=1\nm v=2", {.tags = tags}).points, "1: m,host=a,site=north v=1\n2: m,host=route,site=north v=2\n");
}

TEST(LineParser, GoesOnWhereItStopped) {
  std::string body;
  for (int i = 0; i < 10; ++i) body += "m,i=" + std::to_string(i) + " s=\"a\nb\"\nbad\n";
  LineCursor cursor;
  LineErrors errors;
  size_t seen = 0;
  bool more = true;
  for (int rounds = 0; more; ++rounds) {
    ASSERT_LT(rounds, 20);
    PointBatch batch;
    more = parse_some_lines(body, {}, 3, cursor, batch, errors);
    EXPECT_LE(batch.size(), 3u);
    for (const auto& point : batch.points()) EXPECT_EQ(point.line, 1 + 3 * seen++);
  }
  EXPECT_EQ(seen, 10u);
  EXPECT_EQ(errors.total, 10u);
  EXPECT_EQ(errors.first.back().line, 30u);
}

TEST(LineParser, ManyTagsAreStillComparedForDuplicates) {
  std::string line = "m";
  for (int i = 40; i > 0; --i) line += ",t" + std::to_string(i) + "=x";
  EXPECT_EQ(parse(line + " v=1").errors.total, 0u);
  EXPECT_EQ(reason(line + ",t7=y v=1"), "duplicate tags");
}

// Any bytes: nothing is read outside the body, lines are never lost, what comes out reads back the same.
TEST(LineParser, AnyBytesAreAPointOrAnError) {
  const uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  constexpr std::string_view kAlphabet = "mv,= \\\"\n\r\t#1.5-ieutf";
  for (int i = 0; i < 50'000; ++i) {
    std::string body;
    for (uint64_t size = random.below(40); size > 0; --size) body += kAlphabet[random.below(kAlphabet.size())];
    PointBatch batch;
    LineErrors errors;
    LineCursor cursor;
    // On the heap in its exact size, so that the address sanitizer sees a read past the end.
    const std::vector<char> exact(body.begin(), body.end());
    ASSERT_FALSE(parse_some_lines({exact.data(), exact.size()}, {}, SIZE_MAX, cursor, batch, errors));
    ASSERT_EQ(cursor.offset, body.size());
    for (const auto& point : batch.points()) {
      const std::string key = series_of(batch, point);
      if (!point.series_key.empty()) {
        ASSERT_EQ(point.series_key, key) << body;
      }
      const auto name = parse_series_key(key);
      ASSERT_TRUE(name.has_value()) << body << " -> " << key;
      ASSERT_EQ(name->measurement, point.measurement) << body;
      ASSERT_EQ(name->tags.size(), batch.tags(point).size()) << body;
      ASSERT_GT(point.fields_count, 0u) << body;
    }
  }
}

}  // namespace
}  // namespace campanile::decoders
