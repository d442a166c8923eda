// Commands: what an emulated module does with an order, and what it answers, as the real firmware does.
//
//   // on "u4/302/temperature/command": {"dest":"all","order":"frequency","value":60}
//   for (const Message& reply : answer_command(campus, module, topic, payload, now_ns)) publish(reply);
//
// Sensors know status, acquire and frequency; the device itself knows status, frequency, restart and reboot. Orders for another unit, unknown
// ones and what is no JSON are passed over in silence, which is what the firmware does too.
// Threads: pure, apart from the module that is changed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "app/demo/campus_model.h"

namespace campanile::app::demo {

inline constexpr uint32_t kFrequencyMinS = 30;
inline constexpr uint32_t kFrequencyMaxS = 1800;

std::vector<Message> answer_command(const CampusModel& campus, Module& module, std::string_view topic, std::string_view payload, int64_t now_ns);

}  // namespace campanile::app::demo
