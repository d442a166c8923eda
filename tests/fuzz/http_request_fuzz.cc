// HttpRequestReader on any bytes, in pieces whose size the first byte decides: no crash, no use past the input, limits
// kept, and the same answer however the bytes are cut.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "net/http_request_reader.h"

namespace {

using campanile::net::HttpRequestReader;
using State = HttpRequestReader::State;

constexpr size_t kHeaderBytesMax = 512;
constexpr size_t kBodyBytesMax = 1024;

// What came of it, in one comparable text; the bytes left over count too, since the next request starts there.
std::string read(std::string_view text, size_t piece_bytes) {
  HttpRequestReader reader(kHeaderBytesMax, kBodyBytesMax);
  std::string kept;
  size_t taken = 0;
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    kept += text.substr(at, piece_bytes);
    size_t used = 0;
    while (used < kept.size()) {
      const size_t before = used;
      const State state = reader.feed(std::string_view(kept).substr(used), used);
      CHECK(used <= kept.size());
      CHECK(reader.body_bytes() <= kBodyBytesMax);
      taken += used - before;
      if (state == State::kFailed) return "failed";
      if (state == State::kComplete) {
        const auto request = reader.take_request();
        return fmt::format("{} {}?{} {} {} {}", request.method, request.path, request.query, request.headers.size(),
                           request.body, taken);
      }
      if (state == State::kNeedMore) break;
    }
    kept.erase(0, used);
    CHECK(kept.size() <= 2 * kHeaderBytesMax + piece_bytes);
  }
  return "more";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read(text, text.size() + 1);
  const std::string pieces = read(text, 1 + data[0] % 64);
  // Limits may be noticed earlier or later; what is complete in both ways is the same.
  if (whole != "failed" && pieces != "failed" && whole != "more" && pieces != "more") CHECK(whole == pieces);
  return 0;
}
