// gzip compression of answers.
//
//   std::string small = gzip("text");
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace campanile::api {

// RFC 1952, at a level that suits answers made once and sent often.
std::string gzip(std::string_view bytes);

// Whether an Accept-Encoding header lets the answer be gzip (RFC 9110 section 12.5.3: named, and not with q=0).
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace campanile::api
