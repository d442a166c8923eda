#include "ingest/gunzip.h"

#include <algorithm>

#include <zlib.h>

namespace campanile::ingest {
namespace {

constexpr int kGzipOnly = 15 + 16;
constexpr size_t kStepBytesMin = 16 * 1024;
constexpr size_t kStepBytesMax = 4 << 20;

struct Inflater {
  z_stream stream{};
  bool is_ready = inflateInit2(&stream, kGzipOnly) == Z_OK;
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

Result<std::string> gunzip(std::string_view bytes, size_t bytes_max) {
  Inflater inflater;
  z_stream& stream = inflater.stream;
  if (!inflater.is_ready) return fail(ErrorCode::kOverloaded, "no memory to unpack the body");
  if (bytes.size() > UINT32_MAX) return fail(ErrorCode::kTooLarge, "the body has {} bytes", bytes.size());
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  size_t used = 0;
  for (;;) {
    // One byte more than allowed, to tell a body of just that size from a larger one.
    if (used == out.size()) out.resize(std::min(used + std::clamp(used, kStepBytesMin, kStepBytesMax), bytes_max + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(out.size() - used);
    const int status = inflate(&stream, Z_NO_FLUSH);
    used = out.size() - stream.avail_out;
    if (used > bytes_max) return fail(ErrorCode::kTooLarge, "the body unpacks to more than {} bytes", bytes_max);
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) {
        out.resize(used);
        return out;
      }
      if (inflateReset(&stream) != Z_OK) return fail(ErrorCode::kInvalidArgument, "the gzip body is damaged");
    } else if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_in == 0 && stream.avail_out != 0)) {
      return fail(ErrorCode::kInvalidArgument, "the gzip body ends too early");
    } else if (status != Z_OK) {
      return fail(ErrorCode::kInvalidArgument, "the body is not gzip, though its Content-Encoding says so: {}", stream.msg == nullptr ? "damaged" : stream.msg);
    }
  }
}

}  // namespace campanile::ingest
