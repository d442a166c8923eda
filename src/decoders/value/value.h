// value: a payload that is one plain number, switch state or text. README.md says how.
//
// Threads: no state. Errors: as decoders/decoder.h.
#pragma once

#include "decoders/decoder.h"

namespace campanile::decoders {

class ValueDecoder final : public Decoder {
 public:
  std::string_view name() const override { return "value"; }
  Result<Decoded> decode(const DecodeInput& input, PointBatch& batch) const override;
};

}  // namespace campanile::decoders
