// How a payload is written in JSON: as text where it is UTF-8, in base64 where it is not, cut where it is long.
//
//   object = {{"topic", topic}};
//   add_payload(object, payload, payload.size(), 4096);   // "payload", "encoding", "payload_bytes"
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include <boost/json/object.hpp>

namespace campanile::api {

// `payload_bytes` is how long it was before it came here. At most `bytes_max` of it are written, a cut text ends with a whole character.
void add_payload(boost::json::object& object, std::string_view payload, size_t payload_bytes, size_t bytes_max);

}  // namespace campanile::api
