#include "app/demo/physics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace campanile::app::demo {
namespace {

constexpr double kWednesdayS = 1'700'006'400;  // 2023-11-15T00:00:00Z
constexpr double kJulyS = 1'689'120'000;       // 2023-07-12T00:00:00Z, a Wednesday
constexpr double kHourS = 3600;

const Room kClassroom{.name = "u4/302", .use = RoomUse::kClassroom, .capacity = 30, .airs_often = true};

TEST(Noise, IsAFunctionOfItsPlace) {
  const NoiseField a(1), b(2);
  EXPECT_EQ(a.bits(3, 4), NoiseField(1).bits(3, 4));
  EXPECT_NE(a.bits(3, 4), b.bits(3, 4));
  EXPECT_NE(a.bits(3, 4), a.bits(3, 5));
  EXPECT_NE(a.bits(3, 4), a.bits(4, 4));
  double sum = 0, squares = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double value = a.gaussian(9, i);
    EXPECT_LE(std::abs(value), 3.5);
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 20'000, 0, 0.03);
  EXPECT_NEAR(squares / 20'000, 1, 0.03);
}

TEST(Noise, SmoothIsContinuousAndBounded) {
  const NoiseField noise(5);
  double before = noise.smooth(1, 0, 100);
  for (double t = 1; t < 5000; t += 1) {
    const double value = noise.smooth(1, t, 100);
    EXPECT_LE(std::abs(value), 1.0);
    EXPECT_LT(std::abs(value - before), 0.06);
    before = value;
  }
}

TEST(Physics, TheSunRisesAndSets) {
  const Physics physics(1, 0);
  EXPECT_EQ(physics.sky(kWednesdayS).illuminance_lux, 0) << "midnight";
  EXPECT_GT(physics.sky(kWednesdayS + 12 * kHourS).illuminance_lux, 1000) << "noon";
  EXPECT_GT(physics.sky(kJulyS + 19 * kHourS).illuminance_lux, 0) << "a July evening";
  EXPECT_EQ(physics.sky(kWednesdayS + 19 * kHourS).illuminance_lux, 0) << "a November evening";
}

TEST(Physics, SummersAndAfternoonsAreWarm) {
  const Physics physics(1, 0);
  double winter = 0, summer = 0, night = 0, afternoon = 0;
  for (int day = 0; day < 10; ++day) {
    const double offset = day * 24 * kHourS;
    winter += physics.sky(kWednesdayS + offset + 12 * kHourS).temperature_c;
    summer += physics.sky(kJulyS + offset + 12 * kHourS).temperature_c;
    night += physics.sky(kJulyS + offset + 4 * kHourS).temperature_c;
    afternoon += physics.sky(kJulyS + offset + 15 * kHourS).temperature_c;
  }
  EXPECT_GT(summer, winter + 50);
  EXPECT_GT(afternoon, night + 30);
}

TEST(Physics, PeopleRaiseCo2AndNoise) {
  const Physics physics(1, 0);
  double co2_with = 0, co2_without = 0, noise_with = 0, noise_without = 0;
  int with = 0, without = 0;
  for (int minute = 0; minute < 7 * 24 * 60; minute += 3) {
    const RoomState state = physics.room(kClassroom, kWednesdayS + minute * 60);
    const bool many = state.people > 10;
    if (!many && state.people > 0) continue;
    (many ? with : without) += 1;
    (many ? co2_with : co2_without) += state.co2_ppm;
    (many ? noise_with : noise_without) += state.noise_pulses;
  }
  ASSERT_GT(with, 50);
  ASSERT_GT(without, 50);
  EXPECT_GT(co2_with / with, co2_without / without + 150);
  EXPECT_GT(noise_with / with, noise_without / without + 8);
}

TEST(Physics, AnOpenWindowLetsCo2AndWarmthOut) {
  const Physics physics(3, 0);
  // Compare the last moment before each opening with five minutes later, over a winter week.
  int openings = 0, cooler = 0, fresher = 0, with_co2 = 0;
  for (double t = kWednesdayS; t < kWednesdayS + 7 * 24 * kHourS; t += 10) {
    const RoomState before = physics.room(kClassroom, t);
    const RoomState opened = physics.room(kClassroom, t + 10);
    if (before.window_open || !opened.window_open) continue;
    const RoomState after = physics.room(kClassroom, t + 240);
    ++openings;
    cooler += after.temperature_c < before.temperature_c - 0.3;
    if (before.co2_ppm < 800) continue;
    ++with_co2;
    fresher += after.co2_ppm < before.co2_ppm - 100;
  }
  EXPECT_GT(openings, 7 * 24 * 2) << "it is opened every twenty minutes";
  EXPECT_GT(cooler, openings * 9 / 10);
  ASSERT_GT(with_co2, 10);
  EXPECT_GT(fresher, with_co2 * 8 / 10);
}

TEST(Physics, StaysInItsRanges) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Physics physics(seed, 3600);
    for (int i = 0; i < 4000; ++i) {
      const double t = kWednesdayS + i * 7919.0;
      const Sky sky = physics.sky(t);
      EXPECT_GT(sky.temperature_c, -15) << t;
      EXPECT_LT(sky.temperature_c, 45);
      EXPECT_GE(sky.humidity_percent, 20);
      EXPECT_LE(sky.humidity_percent, 100);
      EXPECT_NEAR(sky.pressure_hpa, 1015, 12);
      EXPECT_GE(sky.rain_mm, 0);
      EXPECT_GE(sky.wind_m_per_s, 0);
      const RoomState room = physics.room(kClassroom, t);
      EXPECT_GT(room.temperature_c, 10);
      EXPECT_LT(room.temperature_c, 32);
      EXPECT_GE(room.co2_ppm, 390);
      EXPECT_LT(room.co2_ppm, 2500);
      EXPECT_GE(room.illuminance_lux, 0);
      EXPECT_LT(room.illuminance_lux, 3000);
      EXPECT_LE(room.people, 30);
      EXPECT_GE(room.noise_pulses, 0);
      const double watts = physics.server_watts(static_cast<uint64_t>(i % 4), i % 2, t);
      EXPECT_GT(watts, 30);
      EXPECT_LT(watts, 160);
    }
  }
}

}  // namespace
}  // namespace campanile::app::demo
