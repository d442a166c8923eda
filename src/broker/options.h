// BrokerOptions: the limits of the broker and what happens at each.
//
//   BrokerOptions options;
//   options.queue_messages_max = 10'000;
//
// Threads: set before Broker::create(), read-only from then on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mqtt/server_connection.h"

namespace campanile::broker {

// Of one session's queue, where its listener has limits of its own. 0: as BrokerOptions has it.
struct QueueLimits {
  uint64_t bytes_max = 0;
  uint32_t messages_max = 0;
  uint32_t age_max_s = 0;

  friend bool operator==(const QueueLimits&, const QueueLimits&) = default;
};

struct BrokerOptions {
  mqtt::ServerSettings protocol;

  // Keep-alives above it, and 0 ("never"), become it: version 5 clients are told, others are simply served longer. 0: no maximum.
  uint16_t keep_alive_max_s = 0;
  // Sessions, of clients connected or away. At the limit a new client is refused with "server unavailable" / "quota exceeded".
  size_t sessions_max = 100'000;
  uint32_t session_expiry_max_s = 0xFFFFFFFF;  // longer wishes are cut to it; 0xFFFFFFFF: for ever
  // At these a subscription is refused with "quota exceeded".
  size_t subscriptions_per_session_max = 10'000;
  size_t subscriptions_max = 2'000'000;

  // What a version 5 client that asks for response information is told to begin its response topics with, its client identifier and
  // '/' behind it. Empty: nothing.
  std::string response_topics = "responses/";

  // QoS 1 and 2 messages that wait for a client that is away or slow. At the limit the newest is dropped and counted. These two and
  // queue_age_max_s hold for sessions whose listener says nothing else (ListenerProfile::queue).
  size_t queue_messages_max = 100'000;
  size_t queue_bytes_max = 64u << 20;
  size_t queues_bytes_max = size_t{4} << 30;  // of all clients together, in memory and on disk
  // Of all clients together in memory: beyond it they go to disk. While the disk refuses, the newest is dropped at twice as many.
  size_t queue_memory_bytes_max = 64u << 20;
  uint32_t queue_age_max_s = 0;  // older ones are dropped and counted, the oldest first; 0: they wait as long as the session lives
  // QoS 1 and 2 messages sent and not acknowledged, per client; further ones wait in the queue.
  uint16_t in_flight_max = 8'192;
  // Topics that a version 5 client may be sent as a number, at most as many as it asks for. Further topics are sent as text.
  uint16_t topic_aliases_to_client_max = 32;
  // Bytes that wait for one connection to take them. Beyond it QoS 0 messages are dropped and counted, others go to the queue.
  size_t connection_bytes_max = 8u << 20;
  // Received QoS 1 and 2 bytes of one connection that are not yet on disk. Beyond it the connection is not read.
  size_t uncommitted_bytes_max = 4u << 20;
  // Packets that are begun and not complete, of all connections together. Near it whose packet is largest, or who asks for more, is
  // ended with "quota exceeded" (broker/input_budget.h).
  size_t input_memory_bytes_max = 256u << 20;

  // Wills that are not published yet, of all clients together. At the limit a client with a will is refused with "server unavailable" /
  // "quota exceeded".
  size_t wills_bytes_max = 256u << 20;

  // How often $SYS topics that have changed are published; 0: not at all.
  uint32_t system_interval_s = 0;
  std::string version = "0";  // of the program

  // At these a message is delivered but not retained, and counted.
  size_t retained_messages_max = 1'000'000;
  size_t retained_bytes_max = 256u << 20;

  // Topics whose subscribers each loop remembers, and the subscribers remembered altogether. At either limit it starts afresh.
  size_t match_cache_topics = 16'384;
  size_t match_cache_targets = 1'000'000;
  // Messages of publish_local() under way. At the limit it answers kOverloaded.
  size_t local_messages_max = 10'000;
};

}  // namespace campanile::broker
