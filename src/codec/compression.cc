#include "codec/compression.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>

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

constexpr size_t kMagicBytes = 4;

using Context = std::unique_ptr<ZSTD_CCtx, FreeContext>;

Context make_context(std::initializer_list<std::pair<ZSTD_cParameter, int>> parameters) {
  Context context(ZSTD_createCCtx());
  CHECK(context != nullptr);
  for (const auto& [parameter, value] : parameters) CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), parameter, value)));
  return context;
}

// The frame, or nothing where it would not be smaller.
std::string compress(const Context& context, std::string_view bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress2(context.get(), packed.data(), packed.size(), bytes.data(), bytes.size());
  packed.resize(ZSTD_isError(size) || size >= bytes.size() ? 0 : size);
  return packed;
}

Result<void> decompress(std::string_view frame, std::span<char> bytes) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  CHECK(context != nullptr);
  const size_t got = ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) || got != bytes.size()) return fail(ErrorCode::kCorrupt, "compressed bytes: {}", ZSTD_isError(got) ? ZSTD_getErrorName(got) : "short");
  return {};
}

}  // namespace

void append_compressed(std::string_view bytes, std::string& out) {
  thread_local const Context context = make_context({{ZSTD_c_compressionLevel, kLevel}});
  append_varint(out, bytes.size());
  const std::string packed = compress(context, bytes);
  append_bytes(out, packed.empty() ? bytes : packed);
}

Result<std::string> read_compressed(ByteReader& in, size_t bytes_max) {
  const uint64_t size = in.varint();
  const std::string_view packed = in.sized_bytes();
  if (!in.ok() || size > bytes_max) return fail(ErrorCode::kCorrupt, "compressed bytes: size {} is not possible here (at most {})", size, bytes_max);
  if (packed.size() == size) return std::string(packed);
  // The frame says its size too; asking before allocating keeps a false varint from taking memory.
  if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != size) return fail(ErrorCode::kCorrupt, "compressed bytes: the frame disagrees about its size");
  std::string bytes(size, '\0');
  TRY(decompress(packed, bytes));
  return bytes;
}

void append_compressed_known(std::string_view bytes, std::string& out) {
  // Small numbers repeat by chance: short matches would cost more than the codes of what they stand for.
  thread_local const Context context =
      make_context({{ZSTD_c_compressionLevel, 1}, {ZSTD_c_strategy, ZSTD_fast}, {ZSTD_c_minMatch, 7}, {ZSTD_c_hashLog, 10}});
  const std::string packed = compress(context, bytes);
  append_bytes(out, packed.empty() ? bytes : std::string_view(packed).substr(kMagicBytes));
}

Result<void> read_compressed_known(ByteReader& in, std::span<char> bytes) {
  const std::string_view packed = in.sized_bytes();
  if (!in.ok()) return fail(ErrorCode::kCorrupt, "compressed bytes: too short");
  if (packed.size() == bytes.size()) {
    std::ranges::copy(packed, bytes.begin());
    return {};
  }
  thread_local std::string frame;
  frame.clear();
  append_fixed(frame, uint32_t{ZSTD_MAGICNUMBER});
  frame += packed;
  return decompress(frame, bytes);
}

}  // namespace campanile::codec
