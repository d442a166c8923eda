// json: a plain JSON object, every scalar of which becomes a field. README.md says how.
//
// Threads: no state. Errors: as decoders/decoder.h.
#pragma once

#include "decoders/decoder.h"

namespace campanile::decoders {

class JsonDecoder final : public Decoder {
 public:
  std::string_view name() const override { return "json"; }
  Result<Decoded> decode(const DecodeInput& input, PointBatch& batch) const override;
};

}  // namespace campanile::decoders
