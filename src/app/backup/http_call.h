// HTTP call: asks a Campanile's API once and waits for the answer. For command-line tools: no TLS, no redirections, a connection each.
//
//   const HttpAnswer answer = TRY(http_call({.server = address, .user = "campus", .password = secret}, "POST", "/api/v1/backups"));
//
// Threads: any; blocks, for at most half a minute without a byte. Limits: answers of up to 16 MiB.
// Errors: kUnavailable where nobody answers, naming the address; kIoError for an answer that is none.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/tcp.h"

namespace campanile::app {

struct HttpServer {
  net::Address server;
  std::string user;  // empty: without a name
  std::string password;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

Result<HttpAnswer> http_call(const HttpServer& server, std::string_view method, std::string_view target);

// The status and the body of a whole answer, as a server sends it before it closes the connection.
Result<HttpAnswer> parse_answer(std::string_view bytes);

}  // namespace campanile::app
