#include "net/websocket_stream.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace campanile::net {
namespace {

WebSocketStreamReader::Event failed(uint16_t code, const char* why) { return {WebSocketStreamReader::Kind::kFailed, why, code}; }

}  // namespace

WebSocketStreamReader::Event WebSocketStreamReader::next(std::string_view bytes, size_t& used, std::span<char> space) {
  CHECK(space.size() >= 125);
  for (;;) {
    if (left_ > 0) {
      const auto count = static_cast<size_t>(std::min<uint64_t>({left_, bytes.size(), space.size()}));
      if (count == 0) return {};
      websocket_unmask(bytes.substr(0, count), {mask_.data(), mask_.size()}, at_, space.data());
      used += count;
      at_ += count;
      left_ -= count;
      return {Kind::kData, {space.data(), count}, 0};
    }
    const char* problem = nullptr;
    const auto header = read_websocket_frame_header(bytes, problem);
    if (problem) return failed(kCloseProtocolError, problem);
    if (!header || header->mask.empty()) return {};
    if (is_websocket_control(header->opcode)) {
      const auto length = static_cast<size_t>(header->length);
      if (bytes.size() - header->size < length) return {};
      websocket_unmask(bytes.substr(header->size, length), header->mask, 0, space.data());
      const std::string_view payload(space.data(), length);
      used += header->size + length;
      bytes.remove_prefix(header->size + length);
      switch (header->opcode) {
        case WebSocketOpcode::kPing: return {Kind::kPing, payload, 0};
        case WebSocketOpcode::kPong: continue;
        case WebSocketOpcode::kClose: break;
        default: return failed(kCloseProtocolError, "an unknown opcode");
      }
      uint16_t code = 0;
      const auto given = read_websocket_close(payload, code, problem);
      return given ? Event{Kind::kClose, {}, *given} : failed(code, problem);
    }
    if (const Event event = begin_data(*header); event.kind == Kind::kFailed) return event;
    used += header->size;
    bytes.remove_prefix(header->size);
  }
}

WebSocketStreamReader::Event WebSocketStreamReader::begin_data(const WebSocketFrameHeader& header) {
  switch (header.opcode) {
    case WebSocketOpcode::kContinuation:
      if (!fragmented_) return failed(kCloseProtocolError, "a continuation of nothing");
      break;
    case WebSocketOpcode::kBinary:
      if (fragmented_) return failed(kCloseProtocolError, "a new message inside another");
      break;
    case WebSocketOpcode::kText: return failed(kCloseUnsupportedData, "MQTT travels in binary frames");  // [MQTT-6.0.0-1]
    default: return failed(kCloseProtocolError, "an unknown opcode");
  }
  if (header.length >> 63 != 0) return failed(kCloseProtocolError, "a length with its highest bit set");  // [RFC6455 5.2]
  fragmented_ = !header.last;
  left_ = header.length;
  at_ = 0;
  std::memcpy(mask_.data(), header.mask.data(), mask_.size());
  return {};
}

}  // namespace campanile::net
