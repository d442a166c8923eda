// Payloads: the bytes that the emulated devices send, key for key as the real ones do.
//
//   telemetry_payload("21.375", "celsius", "24", "auto_92f8", 0);
//   // {"value":21.375,"value_units":"celsius","subID":"24","unitID":"auto_92f8"}
//
// `timestamp_s` above 0 adds a timestamp key at the end, as replayed readings carry it; live readings have none.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace campanile::app::demo {

// A decimal without trailing zeros, but with one digit behind the point: "21.375", "21.0".
std::string decimal(double value, int digits_max);

// `value` is the number's text.
std::string telemetry_payload(std::string_view value, std::string_view units, std::string_view sub_id, std::string_view unit_id,
                              int64_t timestamp_s);
std::string noise_payload(int pulses, int input, std::string_view sub_id, int64_t timestamp_s);
std::string digital_payload(bool value, int input, std::string_view type, std::string_view sub_id, int64_t timestamp_s);
// The oldest devices send numbers as strings.
std::string legacy_payload(std::string_view sub_id, int input, std::string_view units, std::string_view value, std::string_view unit_id,
                           int64_t timestamp_s);

std::string status_payload(uint32_t frequency_s, size_t sensors, int64_t time_s, std::string_view unit_id);
std::string noise_status_payload(uint32_t frequency_s, size_t sensors, int64_t time_s, std::string_view unit_id);
std::string device_status_payload(std::string_view mac, std::string_view status, size_t modules, int64_t time_s, uint64_t heap);

// One line of the testbed's measurement; `time_ns` above 0 adds a timestamp.
std::string wattmeter_line(std::string_view location, std::string_view sensor, int64_t watts, int64_t time_ns);

std::string station_payload(double hydrogen, double oxygen, double wd40, double gaffer, int64_t timestamp_s);

}  // namespace campanile::app::demo
