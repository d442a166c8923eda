// Exposure: refuses to open a door to the network that anybody may walk through.
//
//   TRY(check_exposure(config, arguments.insist_open));
//
// Threads: pure function, apart from the password that it makes up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config/config.h"
#include "base/result.h"

namespace campanile::app {

inline constexpr std::string_view kInsistFlag = "--insist-open";

// Fails where HTTP or an MQTT listener is beyond loopback while clients get in without a name to do everything, unless `insist`.
// Reading without a name is not refused: it has to be written at the listener.
// Errors: kPermissionDenied, with the lines of configuration that would fix it, ready to paste.
Result<void> check_exposure(const Config& config, bool insist);

// What is allowed and still worth a line in the log: passwords that cross a network in the clear.
std::vector<std::string> exposure_warnings(const Config& config);

}  // namespace campanile::app
