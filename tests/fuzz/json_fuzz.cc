// Any bytes as a JSON message: points, nothing to store, or an error that leaves the batch as it was.

#include <cstdint>

#include "base/check.h"
#include "decoders/decoder.h"

using namespace campanile;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Tag tags[] = {{"building", "u4"}, {"kind", "temperature"}, {"room", "302"}};
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  PointBatch batch;
  const auto decoded = decoders::find_decoder("json")->decode({.topic = "csiot/7", .payload = payload, .measurement = "data", .tags = tags}, batch);
  CHECK(batch.size() == (decoded && !decoded->ignored ? 1u : 0u));
  for (const auto& point : batch.points()) {
    CHECK(point.fields_count > 0);
    for (const Field& field : batch.fields(point)) CHECK(!field.name.empty());
    // Views must still be good: the sanitizers look.
    size_t bytes = 0;
    for (const Tag& tag : batch.tags(point)) bytes += tag.key.size() + tag.value.size();
    for (const Field& field : batch.fields(point)) {
      if (field.value.type() == FieldType::kString) {
        for (const char c : field.value.as_string()) bytes += static_cast<unsigned char>(c);
      }
    }
    CHECK(bytes < UINT32_MAX);
  }
  return 0;
}
