// The text of HTTP responses: status line and headers, and the JSON body of an error. Private to net.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace campanile::net {

struct ResponseFraming {
  std::optional<size_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool http_1_0 = false;
};

// Up to and including the empty line. Date, Content-Length, Transfer-Encoding and Connection are ours: those among
// `headers` are left out. Line breaks in names and values become blanks, so that what a client sent and a handler
// echoes stays inside its line.
std::string response_head(int status, const HttpHeaders& headers, const ResponseFraming& framing);

// Whether an answer of that status may carry a body (RFC 9110 section 6.4.1).
bool may_have_body(int status);

// {"error": "message"}
HttpResponse error_response(int status, std::string_view message);

}  // namespace campanile::net
