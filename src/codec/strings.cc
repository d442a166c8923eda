#include "codec/strings.h"

#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/check.h"
#include "codec/compression.h"
#include "codec/packed_integers.h"

namespace campanile::codec {
namespace {

enum Encoding : uint8_t { kPlain = 1, kDictionary = 2 };

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorCode::kCorrupt, "string block: {}", what); }

void append_texts(std::span<const std::string_view> texts, std::string& out) {
  std::vector<int64_t> lengths;
  lengths.reserve(texts.size());
  for (const std::string_view text : texts) lengths.push_back(static_cast<int64_t>(text.size()));
  encode_packed(lengths, out);
  for (const std::string_view text : texts) out += text;
}

Result<void> read_texts(ByteReader& in, std::span<std::string_view> texts) {
  std::vector<int64_t> lengths(texts.size());
  TRY(decode_packed(in, lengths));
  for (size_t i = 0; i < texts.size(); ++i) {
    // A negative length is a huge unsigned one, which is refused as too long.
    texts[i] = in.bytes(static_cast<uint64_t>(lengths[i]));
  }
  if (!in.ok() || !in.at_end()) return corrupt("lengths do not match the bytes");
  return {};
}

}  // namespace

void encode_strings(std::span<const std::string_view> values, std::string& out) {
  absl::flat_hash_map<std::string_view, int64_t> numbers;
  std::vector<std::string_view> entries;
  std::vector<int64_t> indexes;
  indexes.reserve(values.size());
  for (const std::string_view value : values) {
    CHECK(value.size() <= kStringBytesMax);
    const auto [entry, is_new] = numbers.try_emplace(value, static_cast<int64_t>(entries.size()));
    if (is_new) entries.push_back(value);
    indexes.push_back(entry->second);
  }
  std::string body;
  if (entries.size() * 2 <= values.size()) {
    out += static_cast<char>(kDictionary);
    append_varint(body, entries.size());
    encode_packed(indexes, body);
    append_texts(entries, body);
  } else {
    out += static_cast<char>(kPlain);
    append_texts(values, body);
  }
  append_compressed(body, out);
}

Result<void> decode_strings(ByteReader& in, std::span<std::string_view> values, std::string& text) {
  const uint8_t encoding = in.byte();
  if (!in.ok() || (encoding != kPlain && encoding != kDictionary)) return corrupt("unknown encoding");
  // Lengths and indexes take at most ten bytes a value and side.
  text = TRY(read_compressed(in, values.size() * (kStringBytesMax + 32) + 64));
  ByteReader body(text);
  if (encoding == kPlain) return read_texts(body, values);
  const uint64_t entries_count = body.varint();
  if (!body.ok() || entries_count > values.size()) return corrupt("bad dictionary size");
  std::vector<int64_t> indexes(values.size());
  TRY(decode_packed(body, indexes));
  std::vector<std::string_view> entries(entries_count);
  TRY(read_texts(body, entries));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto index = static_cast<uint64_t>(indexes[i]);
    if (index >= entries_count) return corrupt("index outside the dictionary");
    values[i] = entries[index];
  }
  return {};
}

}  // namespace campanile::codec
