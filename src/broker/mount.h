// Mount: topics of a listener's clients as they see them, and as the broker has them (broker/listener_profile.h).
//
//   mount_filter("campus-a/", "$share/g/+/x")          // "$share/g/campus-a/+/x"
//   unmount_topic("campus-a/", "campus-a/u4/x")        // "u4/x"
//
// Threads: pure functions. REQUIRES: a mount that is not empty.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace campanile::broker {

std::string mount_topic(std::string_view mount, std::string_view topic);
// A filter that is none, shared or not, stays as it is and is refused later, as without a mount.
std::string mount_filter(std::string_view mount, std::string_view filter, size_t levels_max);
// Nothing for what lies outside: "campus-a/#" matches "campus-a" as well, which has no name below the mount.
std::optional<std::string_view> unmount_topic(std::string_view mount, std::string_view topic);

// The same for the response topic among a message's forwarded properties; the others stay as they are.
std::string mount_response_topic(std::string_view mount, std::string_view properties);
std::string unmount_response_topic(std::string_view mount, std::string_view properties);

}  // namespace campanile::broker
