// WebSocketReader on any bytes, whole and in pieces whose size the first byte decides: no crash, limits kept, the same
// events.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/text.h"
#include "net/websocket_frames.h"

namespace {

using campanile::net::WebSocketReader;
using Kind = WebSocketReader::Kind;

constexpr size_t kMessageBytesMax = 300;

std::string read(std::string_view wire, size_t piece_bytes) {
  WebSocketReader reader(kMessageBytesMax);
  std::string events;
  std::string kept;
  for (size_t at = 0; at < wire.size(); at += piece_bytes) {
    kept += wire.substr(at, piece_bytes);
    for (;;) {
      size_t used = 0;
      const auto event = reader.next(kept, used);
      CHECK(used <= kept.size());
      CHECK(event.text.size() <= kMessageBytesMax);
      if (event.kind == Kind::kText) CHECK(campanile::is_valid_utf8(event.text));
      if (event.kind != Kind::kNeedMore) {
        events += fmt::format("{} {} {}\n", static_cast<int>(event.kind), event.code, event.text);
      }
      kept.erase(0, used);
      if (event.kind == Kind::kFailed) return events;
      if (event.kind == Kind::kNeedMore) break;
    }
    CHECK(kept.size() <= kMessageBytesMax + 14 + piece_bytes);
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  CHECK(read(wire, wire.size() + 1) == read(wire, 1 + data[0] % 16));
  return 0;
}
