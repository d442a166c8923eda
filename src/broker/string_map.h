// StringMap, StringSet: hash containers of std::string that are searched by std::string_view without making a string.
// Debian's abseil has a string_view of its own, so that its default hash does not take the standard one.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

namespace campanile::broker {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return absl::Hash<absl::string_view>()(absl::string_view(text.data(), text.size())); }
};

template <typename Value>
using StringMap = absl::flat_hash_map<std::string, Value, TextHash, std::equal_to<>>;
using StringSet = absl::flat_hash_set<std::string, TextHash, std::equal_to<>>;

}  // namespace campanile::broker
