// WebSocket framing (RFC 6455 section 5), the server's side: bytes to messages, and messages to bytes. Private to net;
// no sockets.
//
//   WebSocketReader reader(64 * 1024);
//   while (true) {
//     WebSocketReader::Event event = reader.next(bytes.substr(used), used);
//     if (event.kind == Kind::kNeedMore) break;
//     ...
//   }
//
// Threads: one owner. Limits: message_bytes_max for a whole message, fragments together; beyond it close code 1009.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace campanile::net {

enum class WebSocketOpcode : uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

// Close codes of RFC 6455 section 7.4.1 that this side sends.
enum WebSocketCloseCode : uint16_t {
  kCloseNormal = 1000,
  kCloseProtocolError = 1002,
  kCloseUnsupportedData = 1003,
  kCloseInvalidPayload = 1007,
  kCloseTooBig = 1009,
};

// What stands in front of a frame's payload, a client's frame at that [RFC6455 5.2].
struct WebSocketFrameHeader {
  WebSocketOpcode opcode = WebSocketOpcode::kContinuation;
  bool last = false;  // of its message
  uint64_t length = 0;
  std::string_view mask;  // four bytes
  size_t size = 0;        // of the header
};

// Nothing where more bytes are needed, or where `problem` says, as a literal, what breaks the protocol (kCloseProtocolError).
std::optional<WebSocketFrameHeader> read_websocket_frame_header(std::string_view bytes, const char*& problem);
// The code of a close frame's payload, 0 where it gives none; nothing where `code` and `problem` say what to close with instead.
std::optional<uint16_t> read_websocket_close(std::string_view payload, uint16_t& code, const char*& problem);
// Takes a client's mask off: `first` is the place of from[0] in the frame [RFC6455 5.3].
void websocket_unmask(std::string_view from, std::string_view mask, uint64_t first, char* to);
bool is_websocket_control(WebSocketOpcode opcode);

class WebSocketReader {
 public:
  enum class Kind {
    kNeedMore,  // what is left of the bytes must come again with what follows
    kText,      // `text`: a whole message, well-formed UTF-8
    kPing,      // `text`: to be sent back as a pong
    kPong,
    kClose,   // `code`: 0 where the peer gave none
    kFailed,  // `code` and `text`: what to close with, and why
  };
  struct Event {
    Kind kind = Kind::kNeedMore;
    std::string_view text;  // until the next call
    uint16_t code = 0;
  };

  explicit WebSocketReader(size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  // The next event from the front of `bytes`; adds what it has taken to `used`.
  Event next(std::string_view bytes, size_t& used);

 private:
  Event control(WebSocketOpcode opcode);
  Event data(WebSocketOpcode opcode, bool last);

  const size_t message_bytes_max_;
  std::string frame_;    // the latest frame's payload, unmasked
  std::string message_;  // fragments so far
  bool fragmented_ = false;
};

// One whole frame, unmasked as a server's are [RFC6455 5.1].
void append_websocket_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload);
// A close frame; `reason` is cut to what fits.
std::string websocket_close_frame(uint16_t code, std::string_view reason);
// The answer to Sec-WebSocket-Key [RFC6455 4.2.2].
std::string websocket_accept(std::string_view key);

}  // namespace campanile::net
