// HTTP call: asks a Campanile's API once and waits for the answer. For command-line tools: no TLS, no redirections, a connection each.
//
//   const HttpServer server = TRY(local_server(config, "campus"));
//   const HttpAnswer answer = TRY(http_call(server, {.method = "POST", .target = "/api/v1/backups"}));
//
// Threads: any; blocks, for at most `patience` without a byte. Limits: answer_bytes_max.
// Errors: kUnavailable where nobody answers, naming the address; kIoError for an answer that is none.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "app/config/config.h"
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

struct HttpCall {
  std::string method = "GET";
  std::string target;
  std::string body;
  std::string content_type;  // of the body
  std::string accept;        // empty: anything
  std::chrono::seconds patience{30};
  size_t answer_bytes_max = 16u << 20;
};

// Where the server of a configuration is for somebody on the same machine, and as whom to come: `user`, or the first account there is.
// Errors: kNotFound where the configuration has no password of the user.
Result<HttpServer> local_server(const Config& config, const std::string& user);

Result<HttpAnswer> http_call(const HttpServer& server, const HttpCall& call);

// The status and the body of a whole answer, as a server sends it before it closes the connection.
Result<HttpAnswer> parse_answer(std::string_view bytes);

}  // namespace campanile::app
