// What `pub` and `sub` have in common: the options of their connection, and how its end is told and turned into an exit code.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "app/client/client_options.h"
#include "app/client/mqtt_client.h"

namespace campanile::app::client {

inline constexpr int kExitTimedOut = 27;  // as mosquitto_sub

MqttClientOptions connection_options(const ToolOptions& options);

// The line for standard error, in mosquitto's words where it has some. REQUIRES: not our own close().
std::string describe(const Closed& closed, mqtt::ProtocolVersion version);

// The server's code where it refused the connection, 1 otherwise.
int exit_code(const Closed& closed, mqtt::ProtocolVersion version);

// "(null)" for a client that leaves its identifier to the server, as the real tools say.
std::string shown_id(const ToolOptions& options);

}  // namespace campanile::app::client
