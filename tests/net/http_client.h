// Reads HTTP answers from a RawClient, for tests.
#pragma once

#include <map>
#include <string>

#include "base/text.h"
#include "raw_client.h"

namespace campanile::net {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool cut = false;  // the connection ended before the answer did

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

inline Answer receive_answer(RawClient& client, bool head = false) {
  Answer answer;
  const std::string text = client.receive_until("\r\n\r\n");
  if (!text.ends_with("\r\n\r\n")) {
    answer.cut = true;
    return answer;
  }
  answer.status = std::atoi(text.c_str() + text.find(' ') + 1);
  for (size_t at = text.find("\r\n") + 2; at + 2 < text.size();) {
    const size_t end = text.find("\r\n", at);
    const std::string line = text.substr(at, end - at);
    const size_t colon = line.find(": ");
    answer.headers[to_lower(line.substr(0, colon))] = line.substr(colon + 2);
    at = end + 2;
  }
  if (head || answer.status == 204 || answer.status == 304 || answer.status < 200) return answer;
  if (answer.header("transfer-encoding") == "chunked") {
    for (;;) {
      const std::string size_line = client.receive_until("\r\n");
      if (!size_line.ends_with("\r\n")) {
        answer.cut = true;
        return answer;
      }
      const size_t size = std::strtoul(size_line.c_str(), nullptr, 16);
      const std::string piece = client.receive_exactly(size + 2);
      answer.cut = piece.size() != size + 2;
      answer.body += piece.substr(0, size);
      if (answer.cut || size == 0) return answer;
    }
  }
  if (const std::string length = answer.header("content-length"); !length.empty()) {
    const size_t size = std::stoul(length);
    answer.body = client.receive_exactly(size);
    answer.cut = answer.body.size() != size;
  } else {
    answer.body = client.receive_all();
  }
  return answer;
}

}  // namespace campanile::net
