// Compression: general bytes through Zstandard (RFC 8878), with the size after decompression bounded before memory is taken.
//
//   append_compressed(text, out);
//   std::string text = TRY(read_compressed(in, 1 << 20));
//
// Layout: varint size of the original, varint size of what follows, then a Zstandard frame, or the original bytes where both sizes are equal.
// Threads: any; each thread keeps its own Zstandard contexts. Errors: kCorrupt; kTooLarge never: a size above the bound is corrupt.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/varint.h"

namespace campanile::codec {

void append_compressed(std::string_view bytes, std::string& out);
Result<std::string> read_compressed(ByteReader& in, size_t bytes_max);

// The same for bytes whose number the reader knows: a varint size of what follows, then the frame without its magic number, or, where that size is the
// known one, the bytes themselves.
void append_compressed_known(std::string_view bytes, std::string& out);
// Fills `bytes`, all of it.
Result<void> read_compressed_known(ByteReader& in, std::span<char> bytes);

}  // namespace campanile::codec
