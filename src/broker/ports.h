// Ports: what the broker asks of the layers above and beside it; app/wiring.cc connects them.
//
// Threads: every method is called from any event loop and must not block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "journal/journal.h"

namespace campanile::broker {

// A message as it was received. The views live for the call.
struct ReceivedMessage {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retain = false;
  std::string_view client_id;
  std::string_view user;  // empty: anonymous
  int64_t received_ns = 0;
  // Set where the message and its sender's state are one unit in the journal, so that the sender's repetition is not stored again: what is
  // kept of the message is appended through it, in one call. With nothing to keep it is not called.
  const journal::AppendFunction* append = nullptr;
};

// Takes every published message, before its sender is acknowledged.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // Returns after what the sender may be told that the message is safe; nothing where it needs no keeping.
  // Errors: kOverloaded (the sender is slowed and the message tried again), kIoError (it is not acknowledged).
  virtual Result<journal::Awaited> accept(const ReceivedMessage& message) = 0;
  // Whether it would make anything of a message of that topic. What the broker says of itself is not offered otherwise, so that it
  // counts nowhere as taken in. Clients' messages are not asked about.
  virtual bool wants(std::string_view topic) = 0;
};

struct Login {
  std::string_view client_id;
  std::optional<std::string_view> user;  // named: who names nobody is the listener's matter
  std::optional<std::string_view> password;
  std::string_view peer;  // address, for logs
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // The name the client acts as; empty for anonymous. Errors: kUnauthenticated, kPermissionDenied.
  virtual Result<std::string> authenticate(const Login& login) = 0;
};

}  // namespace campanile::broker
