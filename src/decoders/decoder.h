// Decoder: turns the bytes of one message into points. Pure: no socket, file or clock.
//
//   const Decoder* decoder = find_decoder("neocampus");
//   PointBatch batch;
//   TRY(decoder->decode({.topic = "u4/302/temperature", .payload = bytes, .measurement = "data"}, batch));
//
// A decoder is a folder decoders/<name>/ with <name>.h, <name>.cc, README.md and sample.yaml, one line in decoders/registry.cc, and golden
// cases under tests/golden/decoders/<name>/<case>/.
// Threads: decoders have no state; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "model/point_batch.h"

namespace campanile::decoders {

// What the topic route knows about the message (ingest/topic_route.h).
struct DecodeInput {
  std::string_view topic;
  std::string_view payload;
  std::string_view measurement;      // that the route gives; line protocol brings its own
  std::span<const Tag> tags;         // that the route took from the topic
  std::string_view field = "value";  // the field's name, where the payload does not name one
};

// What to do with a message that holds no reading but is no mistake either, such as a status reply.
enum class DecodeResult {
  kPoints,   // points (maybe with fewer lines than sent: see batch errors of line protocol) were added
  kIgnored,  // well formed, nothing to store
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::string_view name() const = 0;
  // Adds points to `batch`; views may point into input. On an error the batch is as it was.
  // Errors: kInvalidArgument saying what was got and what was wanted: the reason a rejected message is kept with.
  virtual Result<DecodeResult> decode(const DecodeInput& input, PointBatch& batch) const = 0;
};

// The decoder of that name, or nullptr. decoder_names() lists them for error messages.
const Decoder* find_decoder(std::string_view name);
std::span<const std::string_view> decoder_names();

}  // namespace campanile::decoders
