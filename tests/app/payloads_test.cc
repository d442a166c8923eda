#include "app/demo/payloads.h"

#include <gtest/gtest.h>

namespace campanile::app::demo {
namespace {

TEST(Payloads, AreThoseOfTheDevicesToTheByte) {
  EXPECT_EQ(telemetry_payload("21.375", "celsius", "24", "auto_92f8", 0), R"({"value":21.375,"value_units":"celsius","subID":"24","unitID":"auto_92f8"})");
  EXPECT_EQ(noise_payload(12, 13, "micro", 0), R"({"value":12,"value_units":"pulses","input":13,"subID":"micro"})");
  EXPECT_EQ(digital_payload(true, 4, "presence", "IRsensor", 0), R"({"value":true,"input":4,"type":"presence","subID":"IRsensor"})");
  EXPECT_EQ(legacy_payload("ouest", 117, "celsius", "15.00", "outside", 0),
            R"({"subID":"ouest","input":117,"value_units":"celsius","value":"15.00","unitID":"outside"})");
  EXPECT_EQ(status_payload(60, 2, 1'600'000'000, "auto_92f8"), R"({"frequency":60,"sensors":2,"time":1600000000,"unitID":"auto_92f8"})");
  EXPECT_EQ(device_status_payload("24:6f:28:a1:92:f8", "running", 5, 1'600'000'000, 180'000),
            R"({"unitID":"24:6f:28:a1:92:f8","status":"running","frequency":1800,"time":1600000000,"modules":5,"heap":180000,)"
            R"("hardware":"esp32","firmware":231027,"board":"neOSensor","board_rev":1.2})");
  EXPECT_EQ(wattmeter_line("ecotype-1", "ecotype-1_pdu-Z1.50", 123, 0),
            "sensors,location=ecotype-1,sensor=ecotype-1_pdu-Z1.50,sensor_type=wattmeter,unit=W value=123");
  EXPECT_EQ(station_payload(81.25, 20.9, 3, 0, 0), R"({"hydrogen":81.25,"oxygen":20.9,"wd40":3.0,"gaffer":0.0})");
}

TEST(Payloads, OfHistoryCarryTheirTime) {
  EXPECT_EQ(telemetry_payload("41", "%r.H.", "64", "u", 1'700'000'000), R"({"value":41,"value_units":"%r.H.","subID":"64","unitID":"u","timestamp":1700000000})");
  EXPECT_EQ(noise_payload(1, 13, "micro", 7), R"({"value":1,"value_units":"pulses","input":13,"subID":"micro","timestamp":7})");
  EXPECT_EQ(wattmeter_line("a", "b", 1, 1'700'000'000'000'000'000), "sensors,location=a,sensor=b,sensor_type=wattmeter,unit=W value=1 1700000000000000000");
}

TEST(Payloads, DecimalsAreShort) {
  EXPECT_EQ(decimal(21.375, 4), "21.375");
  EXPECT_EQ(decimal(21, 4), "21.0");
  EXPECT_EQ(decimal(-0.00001, 2), "0.0");
  EXPECT_EQ(decimal(-3.5, 2), "-3.5");
  EXPECT_EQ(decimal(100, 1), "100.0");
}

}  // namespace
}  // namespace campanile::app::demo
