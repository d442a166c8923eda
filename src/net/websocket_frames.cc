#include "net/websocket_frames.h"

#include <algorithm>
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

bool may_be_received(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

WebSocketReader::Event failed(uint16_t code, std::string_view why) {
  return {WebSocketReader::Kind::kFailed, why, code};
}

}  // namespace

// Eight bytes at a time.
void websocket_unmask(std::string_view from, std::string_view mask, uint64_t first, char* to) {
  std::array<char, 8> turned;
  for (size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(first + i) % 4];
  uint64_t mask_word = 0;
  std::memcpy(&mask_word, turned.data(), 8);
  size_t i = 0;
  for (; i + 8 <= from.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, from.data() + i, 8);
    word ^= mask_word;
    std::memcpy(to + i, &word, 8);
  }
  for (; i < from.size(); ++i) to[i] = static_cast<char>(from[i] ^ turned[i % 8]);
}

bool is_websocket_control(WebSocketOpcode opcode) {
  return static_cast<uint8_t>(opcode) >= 8;
}

std::optional<WebSocketFrameHeader> read_websocket_frame_header(std::string_view bytes, const char*& problem) {
  problem = nullptr;
  const auto refuse = [&](const char* what) {
    problem = what;
    return std::nullopt;
  };
  if (bytes.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  WebSocketFrameHeader header{.opcode = static_cast<WebSocketOpcode>(first & 0x0f), .last = (first & 0x80) != 0};
  if ((first & 0x70) != 0) return refuse("a reserved bit is set");
  if ((second & 0x80) == 0) return refuse("a client's frames must be masked");  // [RFC6455 5.1]
  header.length = second & 0x7f;
  const size_t length_bytes = header.length == 126 ? 2 : header.length == 127 ? 8 : 0;
  if (is_websocket_control(header.opcode) && (header.length > kControlBytesMax || !header.last)) {
    return refuse("a control frame is fragmented or over 125 bytes");
  }
  if (bytes.size() < 2 + length_bytes) return std::nullopt;
  if (length_bytes != 0) {
    header.length = big_endian(bytes.substr(2, length_bytes));
    if (header.length < (length_bytes == 2 ? 126u : 65536u)) return refuse("a length is not in its shortest form");  // [RFC6455 5.2]
  }
  header.size = 2 + length_bytes + 4;
  if (bytes.size() < header.size) {
    // The length is known without the mask: whoever limits it need not wait.
    header.mask = {};
    return header;
  }
  header.mask = bytes.substr(header.size - 4, 4);
  return header;
}

std::optional<uint16_t> read_websocket_close(std::string_view payload, uint16_t& code, const char*& problem) {
  const auto refuse = [&](uint16_t with, const char* what) {
    code = with;
    problem = what;
    return std::nullopt;
  };
  if (payload.empty()) return 0;
  if (payload.size() == 1) return refuse(kCloseProtocolError, "half a close code");
  const auto given = static_cast<uint16_t>(big_endian(payload.substr(0, 2)));
  if (!may_be_received(given)) return refuse(kCloseProtocolError, "a close code that must not be sent");
  if (!is_valid_utf8(payload.substr(2))) return refuse(kCloseInvalidPayload, "the text is not UTF-8");
  return given;
}

WebSocketReader::Event WebSocketReader::next(std::string_view bytes, size_t& used) {
  if (frame_.capacity() > kKeepCapacityBytes) frame_ = {};
  if (!fragmented_ && message_.capacity() > kKeepCapacityBytes) message_ = {};
  for (;;) {
    const char* problem = nullptr;
    const auto header = read_websocket_frame_header(bytes, problem);
    if (problem) return failed(kCloseProtocolError, problem);
    if (!header) return {};
    // Refused by what is announced: nothing of it needs to arrive.
    if (!is_websocket_control(header->opcode) && header->length > message_bytes_max_ - message_.size())
      return failed(kCloseTooBig, "the message is too big");
    if (header->mask.empty() || bytes.size() - header->size < header->length) return {};

    frame_.resize(header->length);
    websocket_unmask(bytes.substr(header->size, header->length), header->mask, 0, frame_.data());
    used += header->size + header->length;
    bytes.remove_prefix(header->size + header->length);
    const WebSocketOpcode opcode = header->opcode;
    const bool last = header->last;
    const Event event = is_websocket_control(opcode) ? control(opcode) : data(opcode, last);
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
  uint16_t code = 0;
  const char* problem = nullptr;
  const auto given = read_websocket_close(frame_, code, problem);
  if (!given) return failed(code, problem);
  return {Kind::kClose, std::string_view(frame_).substr(std::min<size_t>(frame_.size(), 2)), *given};
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
