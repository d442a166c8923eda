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

#include <span>
#include <string>
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

// What became of a message that is no mistake as a whole.
struct Decoded {
  // Well formed with nothing to store, such as a device's status reply.
  bool ignored = false;
  // Why parts of the message were left out while the rest was added; empty where all of it was. The message is kept with it.
  std::string left_out;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::string_view name() const = 0;
  // Adds points to `batch`, each with input.tags; views may point into input, never into anything else that goes.
  // On an error the batch is as it was.
  // Errors: kInvalidArgument saying what was got and what was wanted: the reason a rejected message is kept with.
  virtual Result<Decoded> decode(const DecodeInput& input, PointBatch& batch) const = 0;
};

// The decoder of that name, or nullptr. decoder_names() lists them for error messages.
const Decoder* find_decoder(std::string_view name);
std::span<const std::string_view> decoder_names();

}  // namespace campanile::decoders
