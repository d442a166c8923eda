// WebSocketStreamReader on any bytes, whole and in pieces whose size the first byte decides: no crash, the same stream.

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "net/websocket_stream.h"

namespace {

using campanile::net::WebSocketStreamReader;
using Kind = WebSocketStreamReader::Kind;

std::string read(std::string_view wire, size_t piece_bytes, size_t space_bytes) {
  WebSocketStreamReader reader;
  std::vector<char> space(space_bytes);
  std::string stream;
  std::string kept;
  for (size_t at = 0; at < wire.size(); at += piece_bytes) {
    kept += wire.substr(at, piece_bytes);
    for (;;) {
      size_t used = 0;
      const auto event = reader.next(kept, used, space);
      CHECK(used <= kept.size());
      if (event.kind == Kind::kData) stream += event.bytes;
      if (event.kind != Kind::kData && event.kind != Kind::kNeedMore) {
        stream += fmt::format("[{} {} {}]", static_cast<int>(event.kind), event.code, event.bytes);
      }
      kept.erase(0, used);
      if (event.kind == Kind::kFailed) return stream;
      if (event.kind == Kind::kNeedMore) break;
    }
    CHECK(kept.size() <= 125 + 14);  // a control frame that is not whole
  }
  return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  CHECK(read(wire, wire.size() + 1, 4096) == read(wire, 1 + data[0] % 16, 125 + data[0]));
  return 0;
}
