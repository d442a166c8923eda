#include "app/demo/payloads.h"

#include <fmt/format.h>

namespace campanile::app::demo {
namespace {

std::string closed(std::string body, int64_t timestamp_s) {
  if (timestamp_s > 0) body += fmt::format(",\"timestamp\":{}", timestamp_s);
  body += '}';
  return body;
}

}  // namespace

std::string decimal(double value, int digits_max) {
  std::string text = fmt::format("{:.{}f}", value, digits_max);
  while (text.ends_with('0') && text[text.size() - 2] != '.') text.pop_back();
  return text == "-0.0" ? "0.0" : text;
}

std::string telemetry_payload(std::string_view value, std::string_view units, std::string_view sub_id, std::string_view unit_id,
                              int64_t timestamp_s) {
  return closed(fmt::format(R"({{"value":{},"value_units":"{}","subID":"{}","unitID":"{}")", value, units, sub_id, unit_id), timestamp_s);
}

std::string noise_payload(int pulses, int input, std::string_view sub_id, int64_t timestamp_s) {
  return closed(fmt::format(R"({{"value":{},"value_units":"pulses","input":{},"subID":"{}")", pulses, input, sub_id), timestamp_s);
}

std::string digital_payload(bool value, int input, std::string_view type, std::string_view sub_id, int64_t timestamp_s) {
  return closed(fmt::format(R"({{"value":{},"input":{},"type":"{}","subID":"{}")", value, input, type, sub_id), timestamp_s);
}

std::string legacy_payload(std::string_view sub_id, int input, std::string_view units, std::string_view value, std::string_view unit_id,
                           int64_t timestamp_s) {
  return closed(fmt::format(R"({{"subID":"{}","input":{},"value_units":"{}","value":"{}","unitID":"{}")", sub_id, input, units, value, unit_id),
                timestamp_s);
}

std::string status_payload(uint32_t frequency_s, size_t sensors, int64_t time_s, std::string_view unit_id) {
  return fmt::format(R"({{"frequency":{},"sensors":{},"time":{},"unitID":"{}"}})", frequency_s, sensors, time_s, unit_id);
}

std::string noise_status_payload(uint32_t frequency_s, size_t sensors, int64_t time_s, std::string_view unit_id) {
  return fmt::format(R"({{"frequency":{},"sensors":{},"time":{},"unitID":"{}","sensitivity":50,"_scan_window":50,"threshold":4}})", frequency_s,
                     sensors, time_s, unit_id);
}

std::string device_status_payload(std::string_view mac, std::string_view status, size_t modules, int64_t time_s, uint64_t heap) {
  return fmt::format(R"({{"unitID":"{}","status":"{}","frequency":1800,"time":{},"modules":{},"heap":{},"hardware":"esp32",)"
                     R"("firmware":231027,"board":"neOSensor","board_rev":1.2}})",
                     mac, status, time_s, modules, heap);
}

std::string wattmeter_line(std::string_view location, std::string_view sensor, int64_t watts, int64_t time_ns) {
  std::string line = fmt::format("sensors,location={},sensor={},sensor_type=wattmeter,unit=W value={}", location, sensor, watts);
  if (time_ns > 0) line += fmt::format(" {}", time_ns);
  return line;
}

std::string station_payload(double hydrogen, double oxygen, double wd40, double gaffer, int64_t timestamp_s) {
  return closed(fmt::format(R"({{"hydrogen":{},"oxygen":{},"wd40":{},"gaffer":{})", decimal(hydrogen, 2), decimal(oxygen, 2), decimal(wd40, 2),
                            decimal(gaffer, 2)),
                timestamp_s);
}

}  // namespace campanile::app::demo
