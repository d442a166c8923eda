#include "app/demo/campus_model.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "decoders/decoder.h"
#include "ingest/topic_route.h"

namespace campanile::app::demo {
namespace {

constexpr int64_t kStartS = 1'790'000'000;
constexpr int64_t kMinuteNs = 60 * kNanosPerSecond;

CampusModel campus(uint64_t seed = 1) { return CampusModel({.seed = seed, .start_s = kStartS, .utc_offset_s = 3600}); }

std::vector<Message> all_readings(const CampusModel& model, int64_t from_ns, int64_t to_ns, Stamp stamp) {
  std::vector<Message> out;
  for (const Module& module : model.modules()) model.readings(module, from_ns, to_ns, stamp, out);
  return out;
}

const Module& module_at(const CampusModel& model, std::string_view place) {
  for (const Module& module : model.modules()) {
    if (module.place == place) return module;
  }
  ADD_FAILURE() << place;
  return model.modules()[0];
}

TEST(CampusModel, HasTheBuildingsTheRackTheWeatherAndTheStation) {
  std::map<std::string, int> buildings;
  std::set<std::string> unit_ids;
  const CampusModel model = campus();
  for (const Module& module : model.modules()) {
    ++buildings[module.place.substr(0, module.place.find('/'))];
    EXPECT_TRUE(unit_ids.insert(module.unit_id).second) << module.unit_id;
  }
  EXPECT_EQ(buildings, (std::map<std::string, int>{{"u4", 6}, {"irit2", 5}, {"bu", 5}, {"outside", 1}, {"rack", 2}, {"csiot", 1}}));
  std::set<Quantity> quantities;
  for (const Sensor& sensor : module_at(model, "u4/302").sensors) quantities.insert(sensor.quantity);
  for (const Quantity quantity : {Quantity::kTemperature, Quantity::kHumidity, Quantity::kLuminosity, Quantity::kNoise, Quantity::kCo2, Quantity::kPresence}) {
    EXPECT_TRUE(quantities.contains(quantity));
  }
}

TEST(CampusModel, IsTheSameForASeed) {
  const int64_t now_ns = kStartS * kNanosPerSecond;
  const auto first = all_readings(campus(), now_ns - kMinuteNs, now_ns, Stamp::kTime);
  const auto again = all_readings(campus(), now_ns - kMinuteNs, now_ns, Stamp::kTime);
  const auto other = all_readings(campus(2), now_ns - kMinuteNs, now_ns, Stamp::kTime);
  ASSERT_EQ(first.size(), again.size());
  bool differs = first.size() != other.size();
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].payload, again[i].payload);
    differs = differs || first[i].payload != other[i].payload;
  }
  EXPECT_TRUE(differs);
}

TEST(CampusModel, AMinuteInPiecesIsTheSameMinute) {
  const CampusModel model = campus();
  const Module& module = module_at(model, "irit2/366");
  const int64_t now_ns = kStartS * kNanosPerSecond;
  std::vector<Message> whole, pieces;
  model.readings(module, now_ns, now_ns + kMinuteNs, Stamp::kNone, whole);
  for (int64_t t = now_ns; t < now_ns + kMinuteNs; t += kMinuteNs / 600) model.readings(module, t, t + kMinuteNs / 600, Stamp::kNone, pieces);
  ASSERT_EQ(whole.size(), pieces.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i].time_ns, pieces[i].time_ns);
    EXPECT_TRUE(i == 0 || whole[i - 1].time_ns <= whole[i].time_ns);
  }
}

// Each sensor's readings lie on its own grid, whatever is asked for.
TEST(CampusModel, SendsAtEachSensorsPeriod) {
  const CampusModel model = campus();
  const int64_t now_ns = kStartS * kNanosPerSecond + 123'456'789;
  for (const Module& module : model.modules()) {
    for (const Sensor& sensor : module.sensors) {
      if (sensor.silent_from_s > 0) continue;
      Module alone = module;
      alone.sensors = {sensor};
      std::vector<Message> out;
      model.readings(alone, now_ns, now_ns + 10 * kMinuteNs, Stamp::kNone, out);
      EXPECT_NEAR(static_cast<double>(out.size()), 600'000.0 / sensor.period_ms, 1) << sensor.topic;
      for (const Message& message : out) {
        EXPECT_GT(message.time_ns, now_ns);
        EXPECT_LE(message.time_ns, now_ns + 10 * kMinuteNs);
      }
    }
  }
}

TEST(CampusModel, OneSensorGoesSilent) {
  const CampusModel model = campus();
  const Module& module = module_at(model, "bu/104");
  const auto temperatures = [&](int64_t from_s, int64_t to_s) {
    std::vector<Message> out;
    model.readings(module, from_s * kNanosPerSecond, to_s * kNanosPerSecond, Stamp::kNone, out);
    return std::count_if(out.begin(), out.end(), [](const Message& message) { return message.topic == "bu/104/temperature"; });
  };
  EXPECT_EQ(temperatures(kStartS - 600, kStartS), 60);
  EXPECT_EQ(temperatures(kStartS + 120, kStartS + 3600), 0);
}

// What the product makes of it: every payload takes a route and is decoded, but for the few that are broken on purpose.
TEST(CampusModel, IsDecodedByTheBuiltInRoutes) {
  const auto routes = ingest::TopicRoutes::compile(ingest::default_routes(), {});
  ASSERT_TRUE(routes);
  const int64_t now_ns = kStartS * kNanosPerSecond;
  const auto messages = all_readings(campus(), now_ns - 15 * kMinuteNs, now_ns, Stamp::kTime);
  EXPECT_GT(messages.size(), 8000u);
  PointBatch batch;
  std::set<std::string> broken;
  size_t points = 0;
  for (const Message& message : messages) {
    EXPECT_LE(message.payload.size(), message.topic.starts_with("influx/") ? 1024u : 256u) << "the devices' packets are small";
    const auto routed = routes->find(message.topic);
    ASSERT_NE(routed.route, nullptr) << message.topic;
    ASSERT_FALSE(routed.route->skip) << message.topic;
    batch.clear();
    const auto decoded = routed.route->decoder->decode(
        {.topic = message.topic, .payload = message.payload, .measurement = routed.route->measurement, .tags = routed.tags}, batch);
    if (!decoded) {
      broken.insert(message.topic);
      continue;
    }
    EXPECT_FALSE(decoded->ignored) << message.payload;
    EXPECT_EQ(decoded->left_out, "") << message.payload;
    points += batch.size();
    for (const PointBatch::Point& point : batch.points()) {
      EXPECT_TRUE(point.has_time);
      EXPECT_NEAR(static_cast<double>(point.time_ns), static_cast<double>(message.time_ns), 1e9);
    }
  }
  EXPECT_EQ(broken, std::set<std::string>{"irit2/368/humidity"});
  EXPECT_GT(points, messages.size());
}

TEST(CampusModel, LiveReadingsCarryNoTime) {
  const int64_t now_ns = kStartS * kNanosPerSecond;
  for (const Message& message : all_readings(campus(), now_ns - kMinuteNs, now_ns, Stamp::kNone)) {
    EXPECT_EQ(message.payload.find("timestamp"), std::string::npos);
  }
}

TEST(CampusModel, ValuesAreOfTheirKind) {
  const CampusModel model = campus();
  const Module& module = module_at(model, "u4/304");
  for (const Sensor& sensor : module.sensors) {
    const Message message = model.reading(module, sensor, kStartS * kNanosPerSecond, Stamp::kNone);
    const boost::json::object object = boost::json::parse(message.payload).as_object();
    const boost::json::value& value = object.at("value");
    switch (sensor.quantity) {
      case Quantity::kTemperature: EXPECT_TRUE(value.is_double()) << message.payload; break;
      case Quantity::kHumidity:
      case Quantity::kLuminosity:
      case Quantity::kCo2:
      case Quantity::kNoise: EXPECT_TRUE(value.is_int64()) << message.payload; break;
      case Quantity::kPresence: EXPECT_TRUE(value.is_bool()) << message.payload; break;
      default: EXPECT_EQ(object.at("value_units").as_string(), "µg/m3"); break;
    }
  }
}

TEST(CampusModel, DevicesTellTheirStatus) {
  const CampusModel model = campus();
  const Module& module = module_at(model, "u4/302");
  const Message message = model.device_status(module, "running", kStartS * kNanosPerSecond);
  EXPECT_EQ(message.topic, "u4/302/device");
  const boost::json::object object = boost::json::parse(message.payload).as_object();
  EXPECT_EQ(object.at("unitID").as_string(), module.mac.c_str());
  EXPECT_EQ(object.at("modules").as_int64(), 6);
}

}  // namespace
}  // namespace campanile::app::demo
