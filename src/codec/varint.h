// Varints and fixed-width integers: how every number that is not bit-packed is written.
//
//   append_varint(out, 300);                   // two bytes
//   ByteReader in(bytes);
//   const uint64_t value = in.varint();
//   if (!in.ok()) return fail(ErrorCode::kCorrupt, ...);
//
// A varint holds seven bits a byte, lowest first, the high bit set on all but the last byte; at most ten bytes. zigzag() maps signed
// numbers of small magnitude onto small unsigned ones. Fixed-width integers are little-endian.
// Threads: pure functions. Errors: a ByteReader that runs out of bytes or meets a malformed varint answers zeros from then on, and ok() is false;
// so a parser reads a whole structure and asks once, but must ask before it allocates or indexes by what it read.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace campanile::codec {

static_assert(std::endian::native == std::endian::little, "fixed-width integers are copied as they are");

constexpr uint64_t zigzag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
constexpr int64_t unzigzag(uint64_t value) { return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1)); }

inline constexpr size_t kVarintBytesMax = 10;

// Writes at `out`, which has room for kVarintBytesMax bytes, and returns the end.
inline char* write_varint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

inline void append_varint(std::string& out, uint64_t value) {
  char bytes[kVarintBytesMax];
  out.append(bytes, static_cast<size_t>(write_varint(bytes, value) - bytes));
}

inline void append_signed(std::string& out, int64_t value) { append_varint(out, zigzag(value)); }

template <typename T>
void append_fixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

inline void append_bytes(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out.append(bytes);
}

inline size_t varint_bytes(uint64_t value) { return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7; }

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  bool at_end() const { return at_ == end_; }

  uint8_t byte() {
    if (at_ == end_) return static_cast<uint8_t>(refuse());
    return static_cast<uint8_t>(*at_++);
  }

  uint64_t varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (at_ == end_) return refuse();
      const uint64_t next = static_cast<uint8_t>(*at_++);
      if (shift == 63 && next > 1) return refuse();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    return refuse();
  }

  int64_t signed_varint() { return unzigzag(varint()); }

  template <typename T>
  T fixed() {
    T value{};
    if (remaining() < sizeof(T)) {
      refuse();
      return value;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  // A view into the input; empty where it is too short.
  std::string_view bytes(uint64_t count) {
    if (count > remaining()) {
      refuse();
      return {};
    }
    const std::string_view view(at_, static_cast<size_t>(count));
    at_ += count;
    return view;
  }

  // A length and that many bytes.
  std::string_view sized_bytes() { return bytes(varint()); }

  std::string_view rest() { return bytes(remaining()); }

 private:
  uint64_t refuse() {
    ok_ = false;
    at_ = end_;
    return 0;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace campanile::codec
