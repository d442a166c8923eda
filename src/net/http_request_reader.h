// HttpRequestReader: bytes to one HTTP/1.x request, with its limits. Private to net; no sockets.
//
//   HttpRequestReader reader(limits);
//   size_t used = 0;
//   while (used < bytes.size()) {
//     auto state = reader.feed(bytes.substr(used), used);
//     if (state != HttpRequestReader::State::kProgress) break;
//   }
//
// The grammar is Beast's parser's (RFC 9112); this adds what a server must refuse beyond it: a missing or repeated
// Host, a transfer coding that we cannot take off, headers that are endless in sum. Bodies are copied once, from where
// they were read into HttpRequest::body, which grows with what arrives and not with what is announced.
//
// Threads: one owner. Limits: header_bytes_max -> 431, body_bytes_max -> 413; anything malformed -> 400.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace campanile::net {

class HttpRequestReader {
 public:
  enum class State {
    kNeedMore,  // what is left of the bytes must come again with what follows
    kProgress,  // call again with the rest, should there be any
    kHeader,    // the same, once: the header is complete and a body follows
    kComplete,
    kFailed,  // error_status() and error_message(); the connection cannot go on
  };

  HttpRequestReader(size_t header_bytes_max, size_t body_bytes_max);
  ~HttpRequestReader();
  HttpRequestReader(HttpRequestReader&&) noexcept;
  HttpRequestReader& operator=(HttpRequestReader&&) noexcept;

  // Adds to `used` what it has taken from the front of `bytes`. REQUIRES: bytes are not empty, the last state was not
  // final.
  State feed(std::string_view bytes, size_t& used);
  bool in_body() const;
  size_t body_bytes() const;  // so far
  // "Expect: 100-continue" (RFC 9110 section 10.1.1): the client waits for a word before it sends the body.
  bool expects_continue() const;
  bool keep_alive() const;
  bool is_http_1_0() const;
  int error_status() const;
  const std::string& error_message() const;
  // Without peer and loop, which the connection knows. REQUIRES: kComplete.
  HttpRequest take_request();

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace campanile::net
