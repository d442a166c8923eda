// MsgpackText: MessagePack, written front to back. What holds others says how many before they come.
//
//   MsgpackText text;
//   text.map(1); text.string("results"); text.array(0);
//
// Source: the MessagePack specification (github.com/msgpack/msgpack, spec.md). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "query/value.h"

namespace campanile::query::influxql {

class MsgpackText {
 public:
  void map(size_t pairs) { head(pairs, 0x80, 15, 0xde); }
  void array(size_t elements) { head(elements, 0x90, 15, 0xdc); }
  void string(std::string_view text);
  void integer(int64_t value);
  void boolean(bool value) { bytes_ += static_cast<char>(value ? 0xc3 : 0xc2); }
  void nil() { bytes_ += static_cast<char>(0xc0); }
  void value(const Value& value);
  // As InfluxDB and Go's libraries write it: extension 5, seconds and nanoseconds of 1970, 8 and 4 bytes.
  void time(int64_t time_ns);
  // What another one wrote, as it stands.
  void append(const MsgpackText& other) { bytes_ += other.bytes_; }

  size_t size() const { return bytes_.size(); }
  void clear() { bytes_.clear(); }
  std::string take() { return std::exchange(bytes_, {}); }

 private:
  void big_endian(uint64_t value, int bytes);
  // `mark` and the count in one byte up to `short_max`, else `wide` and two bytes, or the code after it and four.
  void head(size_t count, uint8_t mark, size_t short_max, uint8_t wide);

  std::string bytes_;
};

}  // namespace campanile::query::influxql
