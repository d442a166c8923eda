// What the API shows of clients and their subscriptions, as plain values (broker/client_list.h makes them).
//
// Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mqtt/protocol.h"

namespace campanile::broker {

struct ClientStatus {
  std::string client_id;
  bool connected = false;
  int64_t since_ns = 0;    // wall time from which on it has been connected, or away
  uint32_t expiry_s = 0;   // how long the session is kept without a connection; 0: not at all, UINT32_MAX: for ever
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::kV311;
  size_t subscriptions = 0;
  size_t in_flight = 0;    // sent and not acknowledged
  size_t queued_messages = 0;
  size_t queued_bytes = 0;
  uint64_t messages_out = 0;  // since the session began

  // Of the connection; empty and 0 while the client is away.
  std::string user;  // empty: anonymous
  std::string peer;
  std::string listener;  // that it came through
  uint16_t keep_alive_s = 0;  // 0: none
  uint64_t messages_in = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  size_t unsent_bytes = 0;  // that the connection has not taken yet
  std::string will_topic;   // empty: no will
};

struct SubscriptionStatus {
  std::string client_id;
  std::string filter;  // "$share/group/filter" included
  uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  uint32_t identifier = 0;  // version 5; 0: none
};

struct ClientQuery {
  std::string after;     // the client identifier that the page begins behind
  std::string contains;  // in the client identifier; empty: any
  enum class State : uint8_t { kAny, kConnected, kAway } state = State::kAny;
  size_t count_max = 100;
};

struct ClientPage {
  std::vector<ClientStatus> clients;  // by client identifier
  size_t matching = 0;                // with those before and behind this page
  bool more = false;
};

struct ClientDetails {
  bool found = false;
  ClientStatus client;
  std::vector<SubscriptionStatus> subscriptions;  // by filter
  bool more = false;                              // subscriptions than were asked for
};

struct SubscriptionQuery {
  std::string after_client;  // where the page begins: behind this client's `after_filter`
  std::string after_filter;
  std::string contains;  // in the filter or the client identifier
  size_t count_max = 100;
};

struct SubscriptionPage {
  std::vector<SubscriptionStatus> subscriptions;  // by client identifier, then filter
  bool more = false;
};

}  // namespace campanile::broker
