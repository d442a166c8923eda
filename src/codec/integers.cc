#include "codec/integers.h"

#include <algorithm>
#include <vector>

#include "codec/packed_integers.h"

namespace campanile::codec {
namespace {

enum Encoding : uint8_t { kPlain = 1, kDelta = 2, kRuns = 3, kSecondDelta = 4 };

constexpr size_t kSecondDeltaValuesMin = 8;

uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

size_t count_runs(std::span<const int64_t> values) {
  size_t runs = values.empty() ? 0 : 1;
  for (size_t i = 1; i < values.size(); ++i) runs += values[i] != values[i - 1];
  return runs;
}

void append_runs(std::span<const int64_t> values, size_t runs, std::string& out) {
  append_varint(out, runs);
  uint64_t last = 0;
  for (size_t begin = 0; begin < values.size();) {
    size_t end = begin + 1;
    while (end < values.size() && values[end] == values[begin]) ++end;
    append_varint(out, end - begin);
    append_signed(out, static_cast<int64_t>(bits(values[begin]) - last));
    last = bits(values[begin]);
    begin = end;
  }
}

std::vector<int64_t> differences(std::span<const int64_t> values) {
  std::vector<int64_t> out(values.empty() ? 0 : values.size() - 1);
  for (size_t i = 1; i < values.size(); ++i) out[i - 1] = static_cast<int64_t>(bits(values[i]) - bits(values[i - 1]));
  return out;
}

// Puts `first` in front and sums up. REQUIRES: not empty.
void sum_up(int64_t first, std::span<int64_t> values) {
  uint64_t value = bits(first);
  values[0] = first;
  for (int64_t& item : values.subspan(1)) {
    value += bits(item);
    item = static_cast<int64_t>(value);
  }
}

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorCode::kCorrupt, "integer block: {}", what); }

}  // namespace

void encode_integers(std::span<const int64_t> values, std::string& out) {
  std::string runs_form;
  const size_t runs = count_runs(values);
  // A run costs at least two bytes; with more of them than that the other forms win.
  const bool try_runs = runs > 1 && runs * 8 < values.size();
  if (try_runs) append_runs(values, runs, runs_form);

  const size_t plain_bytes = estimate_packed_bytes(values);
  const std::vector<int64_t> deltas = differences(values);
  const size_t delta_bytes = values.empty() ? SIZE_MAX : estimate_packed_bytes(deltas) + varint_bytes(zigzag(values[0]));
  // What changes at a steady rate.
  std::vector<int64_t> seconds;
  size_t second_bytes = SIZE_MAX;
  if (values.size() >= kSecondDeltaValuesMin) {
    seconds = differences(deltas);
    second_bytes = estimate_packed_bytes(seconds) + varint_bytes(zigzag(values[0])) + varint_bytes(zigzag(deltas[0]));
  }
  const size_t least_bytes = std::min({plain_bytes, delta_bytes, second_bytes});
  if (try_runs && runs_form.size() < least_bytes) {
    out += static_cast<char>(kRuns);
    out += runs_form;
  } else if (plain_bytes == least_bytes) {
    out += static_cast<char>(kPlain);
    encode_packed(values, out);
  } else {
    const bool is_second = second_bytes < delta_bytes;
    out += static_cast<char>(is_second ? kSecondDelta : kDelta);
    append_signed(out, values[0]);
    if (is_second) append_signed(out, deltas[0]);
    encode_packed(is_second ? seconds : deltas, out);
  }
}

Result<void> decode_integers(ByteReader& in, std::span<int64_t> values) {
  switch (in.byte()) {
    case kPlain: return decode_packed(in, values);
    case kDelta: {
      const int64_t first = in.signed_varint();
      if (!in.ok() || values.empty()) return corrupt("too short");
      TRY(decode_packed(in, values.subspan(1)));
      sum_up(first, values);
      return {};
    }
    case kSecondDelta: {
      const int64_t first = in.signed_varint();
      const int64_t first_delta = in.signed_varint();
      if (!in.ok() || values.size() < 2) return corrupt("too short");
      TRY(decode_packed(in, values.subspan(2)));
      sum_up(first_delta, values.subspan(1));
      sum_up(first, values);
      return {};
    }
    case kRuns: {
      const uint64_t runs = in.varint();
      uint64_t value = 0;
      size_t at = 0;
      for (uint64_t i = 0; i < runs; ++i) {
        const uint64_t length = in.varint();
        value += bits(in.signed_varint());
        if (!in.ok() || length == 0 || length > values.size() - at) return corrupt("bad run");
        std::fill_n(values.begin() + static_cast<ptrdiff_t>(at), length, static_cast<int64_t>(value));
        at += length;
      }
      if (!in.ok() || at != values.size()) return corrupt("runs of another length");
      return {};
    }
    default: return corrupt("unknown encoding");
  }
}

}  // namespace campanile::codec
