// Exposure: refuses to open a door to the network that anybody may walk through.
//
//   TRY(check_exposure(config, arguments.insist_open));
//
// Threads: pure function, apart from the password that it makes up.
#pragma once

#include <string_view>

#include "app/config/config.h"
#include "base/result.h"

namespace campanile::app {

inline constexpr std::string_view kInsistFlag = "--insist-open";

// Fails where HTTP or MQTT listens beyond loopback while clients get in without a name, unless `insist`.
// Errors: kPermissionDenied, with the lines of configuration that would fix it, ready to paste.
Result<void> check_exposure(const Config& config, bool insist);

}  // namespace campanile::app
