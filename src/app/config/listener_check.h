// Listener check: whether the settings of one MQTT listener make sense together.
//
//   if (auto checked = check_listener(listener); !checked) complain(checked.error().message);   // "certificate: protocol tls needs one"
//
// Threads: pure function. Errors: kInvalidArgument, with the setting's name in front.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "app/config/config.h"
#include "base/result.h"

namespace campanile::app {

Result<void> check_listener(const ListenerConfig& listener);

// "tls"
std::string_view to_string(ListenerProtocol protocol);
// The bits of "0660"; nothing where it is no mode.
std::optional<uint32_t> parse_mode(std::string_view text);

}  // namespace campanile::app
