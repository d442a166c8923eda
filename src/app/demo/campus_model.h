// CampusModel: the emulated campus. Which modules there are, what each of them sends at which time, and what it answers to a command.
//
//   CampusModel campus({.seed = 1, .start_s = now_s, .utc_offset_s = 3600});
//   std::vector<Message> messages;
//   for (const Module& module : campus.modules()) campus.readings(module, now_ns - kMinute, now_ns, Stamp::kNone, messages);
//
// Buildings u4, irit2 and bu with rooms, a rack of servers with metered outlets, an outdoor weather station, a remote station. Pure: for one
// seed and start, what is sent at a time is always the same bytes. One sensor goes silent, one sends a broken payload now and then.
// Threads: immutable; Module values may be copied and their periods changed, as a frequency command does.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo/physics.h"

namespace campanile::app::demo {

enum class Quantity {
  kTemperature, kHumidity, kLuminosity, kNoise, kCo2, kPm2_5, kPm10, kPresence,  // of a room
  kOutdoorTemperature, kOutdoorHumidity, kOutdoorPressure, kOutdoorLight, kRain, kWind,
  kOutlets,   // of a PDU: all of its outlets in one message
  kStation,   // the remote station's four readings
};

struct Sensor {
  Quantity quantity;
  std::string topic;   // "u4/302/temperature"
  std::string sub_id;  // "24"
  int input = 0;
  uint32_t period_ms = 10'000;
  uint32_t phase_ms = 0;     // so that not all of them send at once
  int64_t silent_from_s = 0;  // 0: never
  bool breaks_now_and_then = false;
};

// What has a connection of its own.
struct Module {
  std::string unit_id;         // "auto_92f8"
  std::string mac;             // "24:6f:28:a1:92:f8"; empty: not a neOSensor, takes no commands
  std::string place;           // "u4/302"
  std::optional<Room> room;
  int pdu = 0;                 // of kOutlets
  std::vector<Sensor> sensors;
};

struct Message {
  int64_t time_ns = 0;
  std::string topic;
  std::string payload;
};

// Whether the payloads carry their time, as history must.
enum class Stamp { kNone, kTime };

struct CampusOptions {
  uint64_t seed = 1;
  int64_t start_s = 0;       // of the demonstration, seconds since 1970
  int64_t utc_offset_s = 0;  // of the campus's clocks
};

class CampusModel {
 public:
  explicit CampusModel(const CampusOptions& options);

  std::span<const Module> modules() const { return modules_; }

  // Adds what `module` sends after `from_ns` and up to `to_ns`, oldest first.
  void readings(const Module& module, int64_t from_ns, int64_t to_ns, Stamp stamp, std::vector<Message>& out) const;
  // What one sensor would send now: the answer to `acquire`.
  Message reading(const Module& module, const Sensor& sensor, int64_t time_ns, Stamp stamp) const;
  // The device's own status, on <place>/device. REQUIRES: the module has a mac.
  Message device_status(const Module& module, std::string_view status, int64_t time_ns) const;

 private:
  void add_room(std::string_view building, std::string_view name, RoomUse use, int capacity, int64_t start_s);
  void add_weather_station();
  void add_rack();
  void add_remote_station();
  std::string payload(const Module& module, const Sensor& sensor, int64_t time_ns, Stamp stamp) const;
  std::string room_payload(const Module& module, const Sensor& sensor, int64_t time_ns, int64_t timestamp_s) const;
  std::string outdoor_payload(const Module& module, const Sensor& sensor, int64_t time_ns, int64_t timestamp_s) const;
  std::string outlets_payload(const Module& module, int64_t time_ns, Stamp stamp) const;
  std::string station_payload_at(int64_t time_ns, int64_t timestamp_s) const;

  Physics physics_;
  std::vector<Module> modules_;
};

}  // namespace campanile::app::demo
