#include "app/demo/campus_model.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "app/demo/payloads.h"
#include "base/clock.h"

namespace campanile::app::demo {
namespace {

constexpr int kServers = 4;
constexpr int kFirstOutlet[] = {50, 51};  // the testbed calls the outlets of a server's two supplies Z1.50 and Z1.51
constexpr int64_t kSilentAfterStartS = 120;
constexpr int64_t kBrokenEvery = 37;  // readings

double seconds(int64_t time_ns) { return static_cast<double>(time_ns) / 1e9; }

// The step of a sensor's converter: what a real one cannot tell apart, an emulated one should not either.
double quantised(double value, double step) { return std::round(value / step) * step; }

// What a device sends when its buffer is too short, or when the sensor behind it has come loose.
std::string broken(std::string payload, int64_t tick) {
  if (tick % 2 == 0) return payload.substr(0, payload.size() * 2 / 3);
  const size_t begin = payload.find("\"value\":") + 8;
  return payload.replace(begin, payload.find(',', begin) - begin, "nan");
}

}  // namespace

CampusModel::CampusModel(const CampusOptions& options) : physics_(options.seed, options.utc_offset_s) {
  for (const auto name : {"300", "301", "302", "303", "304", "305"}) {
    add_room("u4", name, name == std::string_view("304") ? RoomUse::kLab : RoomUse::kClassroom, 32, options.start_s);
  }
  for (const auto name : {"361", "363", "365", "366", "368"}) {
    add_room("irit2", name, name == std::string_view("366") ? RoomUse::kLab : RoomUse::kOffice, name == std::string_view("366") ? 8 : 4,
             options.start_s);
  }
  for (const auto name : {"hall", "101", "102", "104", "204"}) {
    add_room("bu", name, RoomUse::kLibrary, name == std::string_view("hall") ? 80 : 24, options.start_s);
  }
  add_weather_station();
  add_rack();
  add_remote_station();
}

void CampusModel::add_room(std::string_view building, std::string_view name, RoomUse use, int capacity, int64_t start_s) {
  Module module;
  module.place = fmt::format("{}/{}", building, name);
  const uint64_t stream = stream_of(module.place);
  const uint64_t id = physics_.noise().bits(stream, 0) & 0xffff;
  module.unit_id = fmt::format("auto_{:04x}", id);
  module.mac = fmt::format("24:6f:28:a1:{:02x}:{:02x}", id >> 8, id & 0xff);
  module.room = Room{.name = module.place, .use = use, .capacity = capacity, .airs_often = module.place == "u4/302"};
  const auto add = [&](Quantity quantity, std::string_view kind, std::string_view sub_id, uint32_t period_ms, int input = 0) {
    const auto phase = static_cast<uint32_t>(physics_.noise().bits(stream, 100 + static_cast<int64_t>(module.sensors.size())) % period_ms);
    module.sensors.push_back({.quantity = quantity,
                              .topic = fmt::format("{}/{}", module.place, kind),
                              .sub_id = std::string(sub_id),
                              .input = input,
                              .period_ms = period_ms,
                              .phase_ms = phase});
  };
  add(Quantity::kTemperature, "temperature", "24", 10'000);
  add(Quantity::kHumidity, "humidity", "64", 10'000);
  add(Quantity::kLuminosity, "luminosity", "57", 10'000);
  add(Quantity::kCo2, "airquality", "co2", 10'000);
  add(Quantity::kNoise, "noise", "micro", 5'000, 13);
  add(Quantity::kPresence, "digital", "IRsensor", 10'000, 4);
  if (use == RoomUse::kLab) {
    add(Quantity::kPm2_5, "airquality", "pm2_5", 15'000);
    add(Quantity::kPm10, "airquality", "pm10", 15'000);
  }
  if (module.place == "bu/104") module.sensors[0].silent_from_s = start_s + kSilentAfterStartS;
  if (module.place == "irit2/368") module.sensors[1].breaks_now_and_then = true;
  modules_.push_back(std::move(module));
}

void CampusModel::add_weather_station() {
  Module module{.unit_id = "outside", .place = "outside/ambient"};
  const auto add = [&](Quantity quantity, std::string_view kind, int input, uint32_t period_ms) {
    module.sensors.push_back({.quantity = quantity,
                              .topic = fmt::format("outside/ambient/{}", kind),
                              .sub_id = "ouest",
                              .input = input,
                              .period_ms = period_ms,
                              .phase_ms = static_cast<uint32_t>(input) * 37 % period_ms});
  };
  add(Quantity::kOutdoorTemperature, "temperature", 117, 10'000);
  add(Quantity::kOutdoorHumidity, "humidity", 118, 10'000);
  add(Quantity::kOutdoorPressure, "pressure", 119, 15'000);
  add(Quantity::kOutdoorLight, "luminosity", 120, 10'000);
  add(Quantity::kRain, "rain", 121, 15'000);
  add(Quantity::kWind, "wind", 122, 5'000);
  modules_.push_back(std::move(module));
}

void CampusModel::add_rack() {
  for (int pdu = 0; pdu < 2; ++pdu) {
    const std::string name = fmt::format("pdu-Z1.{}", kFirstOutlet[pdu]);
    Module module{.unit_id = name, .place = "rack", .pdu = pdu};
    module.sensors.push_back({.quantity = Quantity::kOutlets,
                              .topic = "influx/" + name,
                              .sub_id = "",
                              .period_ms = 2'000,
                              .phase_ms = static_cast<uint32_t>(pdu) * 1'000});
    modules_.push_back(std::move(module));
  }
}

void CampusModel::add_remote_station() {
  Module module{.unit_id = "station-1", .place = "csiot/station-1"};
  module.sensors.push_back({.quantity = Quantity::kStation, .topic = "csiot/station-1", .sub_id = "", .period_ms = 10'000, .phase_ms = 3'000});
  modules_.push_back(std::move(module));
}

void CampusModel::readings(const Module& module, int64_t from_ns, int64_t to_ns, Stamp stamp, std::vector<Message>& out) const {
  const size_t begin = out.size();
  for (const Sensor& sensor : module.sensors) {
    const int64_t period_ns = int64_t{sensor.period_ms} * kNanosPerMilli;
    const int64_t phase_ns = int64_t{sensor.phase_ms} * kNanosPerMilli;
    // The first tick of the grid phase + k·period that lies after from_ns.
    const int64_t first = (from_ns - phase_ns) / period_ns + 1;
    for (int64_t time_ns = phase_ns + first * period_ns; time_ns <= to_ns; time_ns += period_ns) {
      if (sensor.silent_from_s > 0 && time_ns >= sensor.silent_from_s * kNanosPerSecond) break;
      out.push_back(reading(module, sensor, time_ns, stamp));
    }
  }
  std::sort(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](const Message& a, const Message& b) {
    return std::tie(a.time_ns, a.topic, a.payload) < std::tie(b.time_ns, b.topic, b.payload);
  });
}

Message CampusModel::reading(const Module& module, const Sensor& sensor, int64_t time_ns, Stamp stamp) const {
  Message message{.time_ns = time_ns, .topic = sensor.topic, .payload = payload(module, sensor, time_ns, stamp)};
  const int64_t tick = time_ns / (int64_t{sensor.period_ms} * kNanosPerMilli);
  if (sensor.breaks_now_and_then && tick % kBrokenEvery == 0) message.payload = broken(std::move(message.payload), tick / kBrokenEvery);
  return message;
}

std::string CampusModel::payload(const Module& module, const Sensor& sensor, int64_t time_ns, Stamp stamp) const {
  const int64_t timestamp_s = stamp == Stamp::kTime ? time_ns / kNanosPerSecond : 0;
  if (sensor.quantity == Quantity::kOutlets) return outlets_payload(module, time_ns, stamp);
  if (sensor.quantity == Quantity::kStation) return station_payload_at(time_ns, timestamp_s);
  if (module.room) return room_payload(module, sensor, time_ns, timestamp_s);
  return outdoor_payload(module, sensor, time_ns, timestamp_s);
}

std::string CampusModel::room_payload(const Module& module, const Sensor& sensor, int64_t time_ns, int64_t timestamp_s) const {
  const RoomState state = physics_.room(*module.room, seconds(time_ns));
  const uint64_t stream = stream_of(sensor.topic) + stream_of(sensor.sub_id);
  const double jitter = physics_.noise().gaussian(stream, time_ns / kNanosPerMilli);
  const auto telemetry = [&](const std::string& value, std::string_view units) {
    return telemetry_payload(value, units, sensor.sub_id, module.unit_id, timestamp_s);
  };
  const auto whole = [&](double value, double spread) { return fmt::format("{}", std::max<int64_t>(0, std::llround(value + spread * jitter))); };
  switch (sensor.quantity) {
    case Quantity::kTemperature: return telemetry(decimal(quantised(state.temperature_c + 0.04 * jitter, 0.0625), 4), "celsius");
    case Quantity::kHumidity: return telemetry(whole(state.humidity_percent, 0.4), "%r.H.");
    case Quantity::kLuminosity: return telemetry(whole(state.illuminance_lux, 0.01 * state.illuminance_lux), "lux");
    case Quantity::kCo2: return telemetry(whole(state.co2_ppm, 5), "ppm");
    case Quantity::kPm2_5: return telemetry(decimal(std::max(0.0, state.pm2_5 + 0.3 * jitter), 1), "µg/m3");
    case Quantity::kPm10: return telemetry(decimal(std::max(0.0, state.pm10 + 0.4 * jitter), 1), "µg/m3");
    case Quantity::kNoise: {
      const auto pulses = static_cast<int>(std::max(0.0, std::round(state.noise_pulses * (1 + 0.25 * jitter))));
      return noise_payload(pulses, sensor.input, sensor.sub_id, timestamp_s);
    }
    default: {
      // Even where people are, the detector sees nobody when they sit still.
      const bool seen = state.people > 0 && physics_.noise().unit(stream + 1, time_ns / kNanosPerSecond / 30) < 0.92;
      return digital_payload(seen, sensor.input, "presence", sensor.sub_id, timestamp_s);
    }
  }
}

std::string CampusModel::outdoor_payload(const Module& module, const Sensor& sensor, int64_t time_ns, int64_t timestamp_s) const {
  const Sky sky = physics_.sky(seconds(time_ns));
  const double jitter = physics_.noise().gaussian(stream_of(sensor.topic), time_ns / kNanosPerMilli);
  const auto legacy = [&](double value, int digits, std::string_view units) {
    return legacy_payload(sensor.sub_id, sensor.input, units, fmt::format("{:.{}f}", value, digits), module.unit_id, timestamp_s);
  };
  switch (sensor.quantity) {
    case Quantity::kOutdoorTemperature: return legacy(sky.temperature_c + 0.05 * jitter, 2, "celsius");
    case Quantity::kOutdoorHumidity: return legacy(std::clamp(sky.humidity_percent + 0.5 * jitter, 0.0, 100.0), 0, "%r.H.");
    case Quantity::kOutdoorPressure: return legacy(sky.pressure_hpa + 0.05 * jitter, 2, "hPa");
    case Quantity::kOutdoorLight: return legacy(std::max(0.0, sky.illuminance_lux * (1 + 0.01 * jitter)), 0, "lux");
    case Quantity::kRain: return legacy(sky.rain_mm, 2, "mm");
    default: return legacy(std::max(0.0, sky.wind_m_per_s + 0.2 * jitter), 2, "m/s");
  }
}

std::string CampusModel::outlets_payload(const Module& module, int64_t time_ns, Stamp stamp) const {
  std::string out;
  for (int server = 1; server <= kServers; ++server) {
    const std::string location = fmt::format("ecotype-{}", server);
    const std::string sensor = fmt::format("{}_{}", location, module.unit_id);
    const int64_t watts = std::llround(physics_.server_watts(static_cast<uint64_t>(server), module.pdu, seconds(time_ns)));
    if (!out.empty()) out += '\n';
    out += wattmeter_line(location, sensor, watts, stamp == Stamp::kTime ? time_ns : 0);
  }
  return out;
}

std::string CampusModel::station_payload_at(int64_t time_ns, int64_t timestamp_s) const {
  const double time_s = seconds(time_ns);
  const auto level = [&](std::string_view name, double mean, double swing, double period_s) {
    const uint64_t stream = stream_of(name);
    return mean + swing * physics_.noise().smooth(stream, time_s, period_s) + 0.02 * swing * physics_.noise().gaussian(stream, time_ns / kNanosPerSecond);
  };
  return station_payload(level("hydrogen", 62, 9, 900), level("oxygen", 20.9, 0.6, 600), level("wd40", 35, 12, 2400), level("gaffer", 48, 15, 3000),
                         timestamp_s);
}

Message CampusModel::device_status(const Module& module, std::string_view status, int64_t time_ns) const {
  std::vector<std::string_view> kinds;
  for (const Sensor& sensor : module.sensors) kinds.push_back(sensor.topic);
  std::sort(kinds.begin(), kinds.end());
  const auto modules = static_cast<size_t>(std::unique(kinds.begin(), kinds.end()) - kinds.begin());
  const uint64_t heap = 178'000 + physics_.noise().bits(stream_of(module.mac), time_ns / kNanosPerSecond) % 9'000;
  return {time_ns, module.place + "/device", device_status_payload(module.mac, status, modules, time_ns / kNanosPerSecond, heap)};
}

}  // namespace campanile::app::demo
