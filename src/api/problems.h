// Problem: something that is wrong now, as /health, /api/v1/status and the page tell it.
//
//   Problem{.name = "journal", .message = "writing …: No space left on device", .since_ns = now, .refused = "…", .remedy = "…", .stops_writes = true}
//
// The names are part of the API (docs/api.md); the page has its own words for each, in its reader's language.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace campanile::api {

struct Problem {
  std::string name;
  std::string message;        // what is wrong, in words
  int64_t since_ns = 0;       // wall clock, when it was first seen
  std::string refused;        // what is refused meanwhile
  std::string remedy;         // what to do
  bool stops_writes = false;  // a load balancer sends nothing here meanwhile
};

// What is wrong now; empty while all is well. May be called on an event loop: it waits for no disk.
using Problems = std::function<std::vector<Problem>()>;

}  // namespace campanile::api
