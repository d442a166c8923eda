#include "broker/traffic.h"

namespace campanile::broker {

std::string_view to_string(DropReason reason) {
  static constexpr std::array<std::string_view, kDropReasons> kNames = {
      "slow_consumer", "queue_full", "offline", "expired", "packet_too_large", "denied", "retained_limit", "session_ended",
      "queues_full", "too_old", "store_failed", "looped"};
  return kNames[static_cast<size_t>(reason)];
}

BrokerCounters::BrokerCounters(Metrics& metrics)
    : messages_in(metrics.counter("campanile_broker_messages_received_total", "PUBLISH packets from clients")),
      messages_out(metrics.counter("campanile_broker_messages_sent_total", "PUBLISH packets to clients")),
      payload_bytes_in(metrics.counter("campanile_broker_payload_received_bytes_total", "Bytes of payloads in PUBLISH packets from clients")),
      payload_bytes_out(metrics.counter("campanile_broker_payload_sent_bytes_total", "Bytes of payloads in PUBLISH packets to clients")),
      packets_in(metrics.counter("campanile_broker_packets_received_total", "MQTT packets from clients, of every type")),
      others_out(metrics.counter("campanile_broker_other_packets_sent_total", "MQTT packets to clients that are not PUBLISH")),
      bytes_in(metrics.counter("campanile_broker_received_bytes_total", "MQTT bytes from clients")),
      bytes_out(metrics.counter("campanile_broker_sent_bytes_total", "MQTT bytes to clients")),
      sockets_opened(metrics.counter("campanile_broker_sockets_opened_total", "Network connections that MQTT clients opened")),
      connections_opened(metrics.counter("campanile_broker_connections_opened_total", "CONNECT packets accepted")),
      connections_refused(metrics.counter("campanile_broker_connections_refused_total", "CONNECT packets refused")),
      violations(metrics.counter("campanile_broker_violations_total", "Connections closed because the client broke the protocol or fell silent")),
      sessions_expired(metrics.counter("campanile_broker_sessions_expired_total", "Sessions that ended because their client stayed away too long")),
      reading_paused(metrics.counter("campanile_broker_reading_paused_total", "Times that a publisher was slowed until the store caught up")),
      input_cut(metrics.counter("campanile_broker_connections_cut_total", "Connections ended because a limit of all together was reached, by reason",
                                {{"reason", "input_memory"}})) {
  for (size_t i = 0; i < kDropReasons; ++i) {
    dropped[i] = &metrics.counter("campanile_broker_messages_dropped_total", "Messages that a receiver did not get, by reason",
                                  {{"reason", std::string(to_string(static_cast<DropReason>(i)))}});
  }
}

void BrokerCounters::add(Traffic& traffic) {
  if (traffic.messages_in) messages_in.add(traffic.messages_in);
  if (traffic.messages_out) messages_out.add(traffic.messages_out);
  if (traffic.payload_bytes_in) payload_bytes_in.add(traffic.payload_bytes_in);
  if (traffic.payload_bytes_out) payload_bytes_out.add(traffic.payload_bytes_out);
  if (traffic.packets_in) packets_in.add(traffic.packets_in);
  if (traffic.others_out) others_out.add(traffic.others_out);
  if (traffic.bytes_in) bytes_in.add(traffic.bytes_in);
  if (traffic.bytes_out) bytes_out.add(traffic.bytes_out);
  if (traffic.in_flight) in_flight_messages.fetch_add(traffic.in_flight, std::memory_order_relaxed);
  if (traffic.touched) {
    for (size_t i = 0; i < kDropReasons; ++i) {
      if (traffic.dropped[i]) dropped[i]->add(traffic.dropped[i]);
    }
  }
  traffic = {};
}

}  // namespace campanile::broker
