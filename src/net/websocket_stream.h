// The frames of a WebSocket that carries a byte stream, as MQTT's does [MQTT-6.0.0-1, 6.0.0-2]: binary messages whose borders
// mean nothing. Private to net; no sockets.
//
//   WebSocketStreamReader reader;
//   const auto event = reader.next(bytes, used, space);   // kData: event.bytes lie in `space`, whole frame or not
//
// A frame is handed on as it comes, so its size has no limit and costs no memory. Threads: one owner.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/websocket_frames.h"

namespace campanile::net {

class WebSocketStreamReader {
 public:
  enum class Kind {
    kNeedMore,  // what is left of the bytes must come again with what follows
    kData,
    kPing,   // `bytes`: to be sent back as a pong
    kClose,  // `code`: 0 where the peer gave none
    kFailed, // `code` and `bytes`: what to close with, and why
  };
  struct Event {
    Kind kind = Kind::kNeedMore;
    std::string_view bytes;
    uint16_t code = 0;
  };

  // The next event from the front of `bytes`; adds what it has taken to `used`. REQUIRES: space of 125 bytes or more.
  Event next(std::string_view bytes, size_t& used, std::span<char> space);

 private:
  Event begin_data(const WebSocketFrameHeader& header);

  uint64_t left_ = 0;  // of the data frame at hand
  uint64_t at_ = 0;    // the place of its next byte
  std::array<char, 4> mask_{};
  bool fragmented_ = false;
};

}  // namespace campanile::net
