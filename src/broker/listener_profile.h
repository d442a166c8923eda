// ListenerProfile: what holds for every client that comes in through one listener: who may, to do what, under which topics, within
// which limits.
//
//   const ListenerProfile& guests = broker->add_listener({.name = "guests", .anonymous = AnonymousRights::kRead, .mount = "public/"});
//   auto listener = TRY(TcpListener::listen(pool, address, tcp, [&](EventLoop& loop) { return broker->make_handler(loop, guests); }));
//
// Mount: put before every topic and filter that comes in, wills and shared subscriptions included, and taken away from what goes out;
// what lies outside it does not exist for these clients. Their client identifiers are their own, too: inside, the mount stands
// before them, so that a client of one listener can never take over a session of another.
// Threads: never changes once added.
#pragma once

#include <cstdint>
#include <string>

#include "broker/options.h"
#include "mqtt/server_connection.h"

namespace campanile::broker {

// What a client may that names nobody.
enum class AnonymousRights : uint8_t {
  kNone,  // it is refused
  kRead,  // subscribe; what it publishes is dropped and counted, a will is refused
  kAll,
};

struct ListenerProfile {
  std::string name = "mqtt";     // for logs and the API
  std::string protocol = "tcp";  // tcp, tls, ws, wss or unix
  AnonymousRights anonymous = AnonymousRights::kAll;
  bool accounts = true;       // names and passwords are checked; false: they are not looked at
  bool certificates = false;  // a client whose certificate names a user is that user, whatever its CONNECT says
  std::string mount;          // empty, or a prefix such as "campus-a/"
  mqtt::ServerSettings protocol_settings;
  uint16_t keep_alive_max_s = 0;  // see BrokerOptions
  // Of the sessions of its clients, also while they are away and after a restart, until they connect over another listener. What
  // waits already when a limit shrinks goes on waiting, unless it is too old.
  QueueLimits queue;
};

}  // namespace campanile::broker
