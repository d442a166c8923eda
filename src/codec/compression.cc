#include "codec/compression.h"

#include <memory>

#include <zstd.h>

#include "base/check.h"

namespace campanile::codec {
namespace {

// Level 3 is Zstandard's own middle; blocks of a few kilobytes gain little above it.
constexpr int kLevel = 3;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

void append_compressed(std::string_view bytes, std::string& out) {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  CHECK(context != nullptr);
  append_varint(out, bytes.size());
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compressCCtx(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) || size >= bytes.size()) {
    append_bytes(out, bytes);
  } else {
    append_bytes(out, std::string_view(packed).substr(0, size));
  }
}

Result<std::string> read_compressed(ByteReader& in, size_t bytes_max) {
  const uint64_t size = in.varint();
  const std::string_view packed = in.sized_bytes();
  if (!in.ok() || size > bytes_max) return fail(ErrorCode::kCorrupt, "compressed bytes: size {} is not possible here (at most {})", size, bytes_max);
  if (packed.size() == size) return std::string(packed);
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  CHECK(context != nullptr);
  // The frame says its size too; asking before allocating keeps a false varint from taking memory.
  if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != size) return fail(ErrorCode::kCorrupt, "compressed bytes: the frame disagrees about its size");
  std::string bytes(size, '\0');
  const size_t got = ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) || got != size) return fail(ErrorCode::kCorrupt, "compressed bytes: {}", ZSTD_isError(got) ? ZSTD_getErrorName(got) : "short");
  return bytes;
}

}  // namespace campanile::codec
