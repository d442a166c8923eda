#include "net/websocket_frames.h"

#include <array>
#include <cstring>

#include <openssl/evp.h>

#include "base/text.h"

namespace campanile::net {
namespace {

constexpr size_t kControlBytesMax = 125;  // [RFC6455 5.5]
constexpr size_t kKeepCapacityBytes = 4096;

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// [RFC6455 5.3], eight bytes at a time.
void unmask(std::string_view from, std::string_view mask, std::string& to) {
  to.resize(from.size());
  std::array<char, 8> twice;
  std::memcpy(twice.data(), mask.data(), 4);
  std::memcpy(twice.data() + 4, mask.data(), 4);
  uint64_t mask_word = 0;
  std::memcpy(&mask_word, twice.data(), 8);
  size_t i = 0;
  for (; i + 8 <= from.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, from.data() + i, 8);
    word ^= mask_word;
    std::memcpy(to.data() + i, &word, 8);
  }
  for (; i < from.size(); ++i) to[i] = static_cast<char>(from[i] ^ mask[i % 4]);
}

bool is_control(WebSocketOpcode opcode) {
  return static_cast<uint8_t>(opcode) >= 8;
}

bool may_be_received(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

WebSocketReader::Event failed(uint16_t code, std::string_view why) {
  return {WebSocketReader::Kind::kFailed, why, code};
}

}  // namespace

WebSocketReader::Event WebSocketReader::next(std::string_view bytes, size_t& used) {
  if (frame_.capacity() > kKeepCapacityBytes) frame_ = {};
  if (!fragmented_ && message_.capacity() > kKeepCapacityBytes) message_ = {};
  for (;;) {
    if (bytes.size() < 2) return {};
    const auto first = static_cast<unsigned char>(bytes[0]);
    const auto second = static_cast<unsigned char>(bytes[1]);
    const bool last = (first & 0x80) != 0;
    const auto opcode = static_cast<WebSocketOpcode>(first & 0x0f);
    if ((first & 0x70) != 0) return failed(kCloseProtocolError, "a reserved bit is set");
    if ((second & 0x80) == 0) return failed(kCloseProtocolError, "a client's frames must be masked");  // [RFC6455 5.1]

    uint64_t length = second & 0x7f;
    const size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (is_control(opcode) && (length > kControlBytesMax || !last)) {
      return failed(kCloseProtocolError, "a control frame is fragmented or over 125 bytes");
    }
    if (bytes.size() < 2 + length_bytes) return {};
    if (length_bytes != 0) {
      length = big_endian(bytes.substr(2, length_bytes));
      if (length < (length_bytes == 2 ? 126u : 65536u)) {
        return failed(kCloseProtocolError, "a length is not in its shortest form");  // [RFC6455 5.2]
      }
    }
    // Refused by what is announced: nothing of it needs to arrive.
    if (!is_control(opcode) && length > message_bytes_max_ - message_.size())
      return failed(kCloseTooBig, "the message is too big");
    const size_t header_bytes = 2 + length_bytes + 4;
    if (bytes.size() < header_bytes || bytes.size() - header_bytes < length) return {};

    unmask(bytes.substr(header_bytes, length), bytes.substr(header_bytes - 4, 4), frame_);
    used += header_bytes + length;
    bytes.remove_prefix(header_bytes + length);
    const Event event = is_control(opcode) ? control(opcode) : data(opcode, last);
    if (event.kind != Kind::kNeedMore) return event;
  }
}

WebSocketReader::Event WebSocketReader::control(WebSocketOpcode opcode) {
  switch (opcode) {
    case WebSocketOpcode::kPing:
      return {Kind::kPing, frame_, 0};
    case WebSocketOpcode::kPong:
      return {Kind::kPong, frame_, 0};
    case WebSocketOpcode::kClose:
      break;
    default:
      return failed(kCloseProtocolError, "an unknown opcode");
  }
  if (frame_.empty()) return {Kind::kClose, {}, 0};
  if (frame_.size() == 1) return failed(kCloseProtocolError, "half a close code");
  const auto code = static_cast<uint16_t>(big_endian(std::string_view(frame_).substr(0, 2)));
  const std::string_view reason = std::string_view(frame_).substr(2);
  if (!may_be_received(code)) return failed(kCloseProtocolError, "a close code that must not be sent");
  if (!is_valid_utf8(reason)) return failed(kCloseInvalidPayload, "the text is not UTF-8");
  return {Kind::kClose, reason, code};
}

WebSocketReader::Event WebSocketReader::data(WebSocketOpcode opcode, bool last) {
  switch (opcode) {
    case WebSocketOpcode::kContinuation:
      if (!fragmented_) return failed(kCloseProtocolError, "a continuation of nothing");
      break;
    case WebSocketOpcode::kText:
      if (fragmented_) return failed(kCloseProtocolError, "a new message inside another");
      break;
    case WebSocketOpcode::kBinary:
      return failed(kCloseUnsupportedData, "only text is understood here");
    default:
      return failed(kCloseProtocolError, "an unknown opcode");
  }
  if (last && !fragmented_) {
    if (!is_valid_utf8(frame_)) return failed(kCloseInvalidPayload, "the text is not UTF-8");
    return {Kind::kText, frame_, 0};
  }
  message_.append(frame_);
  fragmented_ = !last;
  if (!last) return {};
  frame_.swap(message_);
  message_.clear();
  if (!is_valid_utf8(frame_)) return failed(kCloseInvalidPayload, "the text is not UTF-8");
  return {Kind::kText, frame_, 0};
}

void append_websocket_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload) {
  out += static_cast<char>(0x80 | static_cast<uint8_t>(opcode));
  size_t length_bytes = 0;
  if (payload.size() <= 125) {
    out += static_cast<char>(payload.size());
  } else if (payload.size() <= 0xffff) {
    out += static_cast<char>(126);
    length_bytes = 2;
  } else {
    out += static_cast<char>(127);
    length_bytes = 8;
  }
  for (size_t i = length_bytes; i-- > 0;) out += static_cast<char>(payload.size() >> (8 * i) & 0xff);
  out.append(payload);
}

std::string websocket_close_frame(uint16_t code, std::string_view reason) {
  std::string payload;
  payload += static_cast<char>(code >> 8);
  payload += static_cast<char>(code & 0xff);
  reason = reason.substr(0, kControlBytesMax - 2);
  while (!is_valid_utf8(reason)) reason.remove_suffix(1);  // the cut may have gone through a character
  payload.append(reason);
  std::string frame;
  append_websocket_frame(frame, WebSocketOpcode::kClose, payload);
  return frame;
}

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  EVP_Digest(text.data(), text.size(), digest, &digest_bytes, EVP_sha1(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest), digest_bytes});
}

}  // namespace campanile::net
