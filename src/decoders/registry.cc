// The decoders there are: one line each. An explicit list, because the linker drops self-registering objects of static libraries.
#include <algorithm>
#include <array>

#include "decoders/decoder.h"
#include "decoders/json/json.h"
#include "decoders/line_protocol/line_protocol.h"
#include "decoders/neocampus/neocampus.h"
#include "decoders/value/value.h"

namespace campanile::decoders {
namespace {

const JsonDecoder kJson;
const LineProtocolDecoder kLineProtocol;
const NeocampusDecoder kNeocampus;
const ValueDecoder kValue;

const std::array<const Decoder*, 4> kDecoders{
    &kJson,
    &kLineProtocol,
    &kNeocampus,
    &kValue,
};

}  // namespace

const Decoder* find_decoder(std::string_view name) {
  const auto found = std::ranges::find(kDecoders, name, &Decoder::name);
  return found == kDecoders.end() ? nullptr : *found;
}

std::span<const std::string_view> decoder_names() {
  static const auto names = [] {
    std::array<std::string_view, kDecoders.size()> all;
    std::ranges::transform(kDecoders, all.begin(), &Decoder::name);
    return all;
  }();
  return names;
}

}  // namespace campanile::decoders
