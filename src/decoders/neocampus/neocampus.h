// neocampus: the JSON readings of neOCampus devices. README.md says what is stored, docs/decisions/0002-neocampus-value-type.md why.
//
// Threads: no state. Errors: as decoders/decoder.h.
#pragma once

#include "decoders/decoder.h"

namespace campanile::decoders {

class NeocampusDecoder final : public Decoder {
 public:
  std::string_view name() const override { return "neocampus"; }
  Result<Decoded> decode(const DecodeInput& input, PointBatch& batch) const override;
};

}  // namespace campanile::decoders
