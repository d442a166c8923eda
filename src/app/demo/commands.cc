#include "app/demo/commands.h"

#include <algorithm>

#include <boost/json.hpp>

#include "app/demo/payloads.h"
#include "base/clock.h"
#include "base/text.h"

namespace campanile::app::demo {
namespace {

namespace json = boost::json;

struct Order {
  std::string dest;
  std::string order;
  std::optional<double> value;
};

std::optional<Order> parse_order(std::string_view payload) {
  boost::system::error_code error;
  const json::value parsed = json::parse({payload.data(), payload.size()}, error);
  if (error || !parsed.is_object()) return std::nullopt;
  const json::object& object = parsed.get_object();
  Order out;
  const auto text = [&](std::string_view key, std::string& to) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (!value || !value->is_string()) return false;
    to.assign(value->get_string().data(), value->get_string().size());
    return true;
  };
  if (!text("dest", out.dest) || !text("order", out.order)) return std::nullopt;
  if (const json::value* value = object.if_contains("value")) {
    if (value->is_int64()) out.value = static_cast<double>(value->get_int64());
    if (value->is_uint64()) out.value = static_cast<double>(value->get_uint64());
    if (value->is_double()) out.value = value->get_double();
  }
  return out;
}

Message sensor_status(const Module& module, std::span<Sensor* const> sensors, int64_t now_ns) {
  const int64_t now_s = now_ns / kNanosPerSecond;
  const uint32_t frequency_s = sensors[0]->period_ms / 1000;
  const auto status = sensors[0]->quantity == Quantity::kNoise ? noise_status_payload : status_payload;
  return {now_ns, sensors[0]->topic, status(frequency_s, sensors.size(), now_s, module.unit_id)};
}

std::vector<Message> answer_device(const CampusModel& campus, const Module& module, const Order& order, int64_t now_ns) {
  if (order.order == "restart" || order.order == "reboot") {
    return {campus.device_status(module, "rebooting", now_ns), campus.device_status(module, "starting", now_ns),
            campus.device_status(module, "running", now_ns)};
  }
  if (order.order == "status" || order.order == "frequency") return {campus.device_status(module, "running", now_ns)};
  return {};
}

}  // namespace

std::vector<Message> answer_command(const CampusModel& campus, Module& module, std::string_view topic, std::string_view payload, int64_t now_ns) {
  const auto order = parse_order(payload);
  if (!order || module.mac.empty() || !topic.ends_with("/command")) return {};
  const bool for_me = equals_ignore_case(order->dest, "all") || equals_ignore_case(order->dest, module.unit_id) ||
                      equals_ignore_case(order->dest, module.mac);
  if (!for_me) return {};
  topic.remove_suffix(std::string_view("/command").size());
  if (topic == module.place + "/device") return answer_device(campus, module, *order, now_ns);

  std::vector<Sensor*> sensors;
  for (Sensor& sensor : module.sensors) {
    if (sensor.topic == topic) sensors.push_back(&sensor);
  }
  if (sensors.empty()) return {};
  if (order->order == "status") return {sensor_status(module, sensors, now_ns)};
  if (order->order == "acquire") {
    std::vector<Message> out;
    for (const Sensor* sensor : sensors) out.push_back(campus.reading(module, *sensor, now_ns, Stamp::kNone));
    return out;
  }
  if (order->order == "frequency" && order->value) {
    const auto period_s = static_cast<uint32_t>(std::clamp<double>(*order->value, kFrequencyMinS, kFrequencyMaxS));
    for (Sensor* sensor : sensors) {
      sensor->period_ms = period_s * 1000;
      sensor->phase_ms %= sensor->period_ms;
    }
    return {sensor_status(module, sensors, now_ns)};
  }
  return {};
}

}  // namespace campanile::app::demo
