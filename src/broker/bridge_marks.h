// The user properties by which Campaniles know each other and their messages (version 5).
//
// A broker names itself anew at every start: messages circle within seconds or not at all.
// Threads: constants.
#pragma once

#include <string_view>

namespace campanile::broker {

// Of a message: it has come from the broker of that name over a bridge. A bridge drops what has been here, or at its remote, before.
inline constexpr std::string_view kViaProperty = "campanile-via";
// Of CONNECT: the sender is a bridge of the broker of that name.
inline constexpr std::string_view kBridgeProperty = "campanile-bridge";
// Of CONNACK, in answer to it: the broker's name.
inline constexpr std::string_view kBrokerProperty = "campanile-broker";

}  // namespace campanile::broker
