// TextHash: for maps by text, of which a million series make several. Looks up string views without a copy.
#pragma once

#include <cstddef>
#include <string_view>

#include "codec/checksum.h"

namespace campanile::tsdb {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return codec::checksum64(text); }
};

}  // namespace campanile::tsdb
