// Physics of the emulated campus: sky, rooms and servers as functions of time. People raise CO2, noise and temperature; the sun and the
// lamps make light; an open window lets warmth and CO2 out.
//
//   Physics physics(seed, utc_offset_s);
//   RoomState room = physics.room({.name = "u4/302", .use = RoomUse::kClassroom, .capacity = 30}, time_s);
//
// Times are seconds since 1970. Threads: immutable.
#pragma once

#include <cstdint>
#include <string>

#include "app/demo/noise.h"

namespace campanile::app::demo {

enum class RoomUse { kClassroom, kOffice, kLab, kLibrary };

struct Room {
  std::string name;
  RoomUse use = RoomUse::kOffice;
  int capacity = 4;
  bool airs_often = false;  // its window is opened every 20 minutes, so that a short visit sees it
};

struct Sky {
  double temperature_c = 0;
  double humidity_percent = 0;
  double pressure_hpa = 0;
  double illuminance_lux = 0;
  double rain_mm = 0;      // in the last hour
  double wind_m_per_s = 0;
};

struct RoomState {
  int people = 0;
  bool window_open = false;
  double temperature_c = 0;
  double humidity_percent = 0;
  double illuminance_lux = 0;
  double co2_ppm = 0;
  double noise_pulses = 0;
  double pm2_5 = 0;
  double pm10 = 0;
};

class Physics {
 public:
  Physics(uint64_t seed, int64_t utc_offset_s) : noise_(seed), utc_offset_s_(utc_offset_s) {}

  Sky sky(double time_s) const;
  RoomState room(const Room& room, double time_s) const;
  // Watts at the plug of a server with two power supplies; `supply` is 0 or 1.
  double server_watts(uint64_t server, int supply, double time_s) const;
  const NoiseField& noise() const { return noise_; }

 private:
  int people_in(const Room& room, uint64_t stream, int64_t slot) const;
  double lingering_people(const Room& room, uint64_t stream, double time_s) const;
  struct Window {
    bool open = false;
    double aired = 0;  // 0: the room's own air; 1: as outside
  };
  Window window(const Room& room, uint64_t stream, double time_s) const;

  NoiseField noise_;
  int64_t utc_offset_s_;
};

}  // namespace campanile::app::demo
