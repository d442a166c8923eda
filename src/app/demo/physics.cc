#include "app/demo/physics.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace campanile::app::demo {
namespace {

constexpr double kDayS = 86'400;
constexpr double kYearS = 365.2422 * kDayS;
constexpr double kTurn = 2 * std::numbers::pi;
constexpr double kLatitude = 43.56 * std::numbers::pi / 180;  // Toulouse
constexpr double kLongitudeS = 1.47 / 360 * kDayS;            // how far its noon is ahead of Greenwich's
constexpr int64_t kSlotS = 600;                               // people come and go every ten minutes

// The sine of the sun's height above the horizon; cosine formula with the declination of Cooper (1969).
double sun_height(double time_s) {
  const double year = kTurn * (time_s / kYearS);
  const double declination = 23.45 * std::numbers::pi / 180 * std::sin(year - kTurn * 80 / 365.2422);
  const double hour_angle = kTurn * ((time_s + kLongitudeS) / kDayS - 0.5);
  return std::sin(kLatitude) * std::sin(declination) + std::cos(kLatitude) * std::cos(declination) * std::cos(hour_angle);
}

// How busy a place is, from 0 to 1, by hour and day of the week. Never quite empty: demonstrations are held at night and on Sundays too.
double activity(RoomUse use, double hour, int weekday) {
  const bool weekend = weekday >= 5;
  const auto between = [&](double from, double to) { return hour >= from && hour < to; };
  switch (use) {
    case RoomUse::kClassroom: return weekend ? 0.2 : between(8, 12.2) || between(13.7, 18) ? 0.75 : between(7, 20) ? 0.3 : 0.15;
    case RoomUse::kOffice: return weekend ? 0.2 : between(9, 12.3) || between(13.5, 18) ? 0.8 : between(7.5, 20) ? 0.4 : 0.15;
    case RoomUse::kLab: return weekend ? 0.5 : between(8.5, 19) ? 0.8 : 0.5;
    case RoomUse::kLibrary: return weekend ? 0.4 : between(9, 19) ? 0.7 : between(8, 22) ? 0.4 : 0.2;
  }
  return 0;
}

}  // namespace

Sky Physics::sky(double time_s) const {
  static const uint64_t kCloud = stream_of("sky/cloud"), kAir = stream_of("sky/temperature"), kWeight = stream_of("sky/pressure");
  static const uint64_t kWind = stream_of("sky/wind"), kRain = stream_of("sky/rain");
  const double season = std::sin(kTurn * (time_s / kYearS - 115 / 365.2422));  // warmest in the last days of July
  const double warmth_of_day = std::cos(kTurn * ((time_s + kLongitudeS) / kDayS - 15.0 / 24));
  const double cloud = 0.5 + 0.5 * noise_.smooth(kCloud, time_s, 5400);  // 0 clear, 1 covered
  Sky sky;
  sky.temperature_c = 13.5 + 7.5 * season + (5.5 - 2.5 * cloud) * warmth_of_day + 2 * noise_.smooth(kAir, time_s, 21'600);
  sky.humidity_percent = std::clamp(68 - 16 * warmth_of_day + 18 * (cloud - 0.5), 22.0, 99.0);
  sky.pressure_hpa = 1015 + 11 * noise_.smooth(kWeight, time_s, 2 * kDayS);
  const double flicker = 1 - 0.12 * cloud * (1 + noise_.smooth(kCloud + 1, time_s, 90));
  sky.illuminance_lux = 95'000 * std::max(0.0, sun_height(time_s)) * (1 - 0.75 * cloud) * flicker;
  sky.rain_mm = 6 * std::max(0.0, cloud - 0.8) * (1 + noise_.smooth(kRain, time_s, 3600));
  sky.wind_m_per_s = std::max(0.0, 3.2 + 2.4 * noise_.smooth(kWind, time_s, 1800) + 1.3 * noise_.smooth(kWind + 1, time_s, 25));
  return sky;
}

int Physics::people_in(const Room& room, uint64_t stream, int64_t slot) const {
  const double local_s = static_cast<double>(slot * kSlotS + utc_offset_s_);
  const double hour = std::fmod(local_s, kDayS) / 3600;
  const int weekday = static_cast<int>((static_cast<int64_t>(local_s / kDayS) + 3) % 7);  // 1970-01-01 was a Thursday; Monday is 0
  const double busy = activity(room.use, hour, weekday);
  // A class comes or does not; what varies within is small.
  if (noise_.unit(stream, slot / 6) > busy + 0.1) return noise_.unit(stream + 1, slot) < busy * 0.3 ? 1 : 0;
  const double share = (0.3 + 0.6 * busy) * (0.7 + 0.4 * noise_.unit(stream + 2, slot));
  return std::clamp(static_cast<int>(std::lround(share * room.capacity)), 1, room.capacity);
}

// What people left in the air: each ten minutes' presence fades with the ventilation, in closed form so that no state is carried.
double Physics::lingering_people(const Room& room, uint64_t stream, double time_s) const {
  constexpr double kFadeS = 1500;
  constexpr int kSlotsBack = 18;
  const auto now = static_cast<int64_t>(std::floor(time_s / kSlotS));
  double sum = 0;
  for (int64_t slot = now - kSlotsBack; slot <= now; ++slot) {
    const int people = people_in(room, stream, slot);
    if (people == 0) continue;
    const double begin = static_cast<double>(slot * kSlotS);
    const double end = std::min(begin + kSlotS, time_s);
    sum += people * (std::exp((end - time_s) / kFadeS) - std::exp((begin - time_s) / kFadeS));
  }
  return sum;
}

Physics::Window Physics::window(const Room& room, uint64_t stream, double time_s) const {
  const double cycle_s = room.airs_often ? 1200 : 7200;
  constexpr double kAirS = 150, kRecoverS = 500;
  const auto cycle = static_cast<int64_t>(std::floor(time_s / cycle_s));
  Window out;
  for (int64_t i = cycle - 1; i <= cycle; ++i) {
    if (!room.airs_often && noise_.unit(stream + 10, i) < 0.5) continue;
    const double open_at = static_cast<double>(i) * cycle_s + (room.airs_often ? 240 : 4000 * noise_.unit(stream + 11, i));
    const double open_for = 240 + 180 * noise_.unit(stream + 12, i);
    const double since = time_s - open_at;
    if (since < 0) continue;
    const double aired = 1 - std::exp(-std::min(since, open_for) / kAirS);
    out.open = out.open || since < open_for;
    out.aired = std::max(out.aired, since < open_for ? aired : aired * std::exp(-(since - open_for) / kRecoverS));
  }
  return out;
}

RoomState Physics::room(const Room& room, double time_s) const {
  const uint64_t stream = stream_of(room.name);
  const auto slot = static_cast<int64_t>(std::floor(time_s / kSlotS));
  const Sky outside = sky(time_s);
  const Window aired = window(room, stream, time_s);
  const double crowd = lingering_people(room, stream, time_s) / room.capacity;  // about 0 to 1

  RoomState state;
  state.people = people_in(room, stream, slot);
  state.window_open = aired.open;
  const double indoors = 20.4 + 1.4 * noise_.unit(stream + 20, 0) + 1.8 * crowd + 0.05 * (outside.temperature_c - 13) +
                         0.3 * noise_.smooth(stream + 21, time_s, 2400);
  state.temperature_c = indoors - 0.3 * aired.aired * (indoors - outside.temperature_c);
  state.humidity_percent = std::clamp(41 + 9 * crowd + 6 * noise_.smooth(stream + 22, time_s, 7200) +
                                          0.25 * aired.aired * (outside.humidity_percent - 45),
                                      18.0, 90.0);
  const double lamps = state.people > 0 ? 340 + 40 * noise_.unit(stream + 23, 0) : 0;
  state.illuminance_lux = std::max(0.0, lamps + outside.illuminance_lux * (0.006 + 0.012 * noise_.unit(stream + 24, 0)));
  state.co2_ppm = 418 + 1050 * crowd * (1 - 0.85 * aired.aired) + 14 * noise_.smooth(stream + 25, time_s, 300);
  const double voices = state.people > 0 ? 6 + 30.0 * state.people / room.capacity : 0.4;
  state.noise_pulses = std::max(0.0, voices * (1 + 0.5 * noise_.smooth(stream + 26, time_s, 20)) + (aired.open ? 5 : 0));
  state.pm2_5 = std::max(1.0, 7 + 4 * noise_.smooth(stream + 27, time_s, 5400) + 3 * crowd + (aired.open ? 2 : 0));
  state.pm10 = state.pm2_5 * (1.5 + 0.2 * noise_.smooth(stream + 28, time_s, 3600));
  return state;
}

double Physics::server_watts(uint64_t server, int supply, double time_s) const {
  const uint64_t stream = stream_of("server") + server * 16;
  // Jobs of a few minutes on top of the idle draw; the two supplies share it unevenly.
  const auto job = static_cast<int64_t>(std::floor(time_s / 240 + noise_.unit(stream, 0)));
  const double load = noise_.unit(stream + 1, job) < 0.45 ? 0.35 + 0.65 * noise_.unit(stream + 2, job) : 0.02;
  const double watts = 104 + 136 * load + 4 * noise_.smooth(stream + 3, time_s, 40);
  const double share = 0.5 + 0.06 * (noise_.unit(stream + 4, 0) - 0.5);
  const double own = watts * (supply == 0 ? share : 1 - share);
  return own + 0.8 * noise_.gaussian(stream + 5 + static_cast<uint64_t>(supply), static_cast<int64_t>(time_s));
}

}  // namespace campanile::app::demo
