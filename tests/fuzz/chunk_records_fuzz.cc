// Fuzzes the readers of the engine's journal payloads and small rows: the first byte picks which.

#include <cstdint>
#include <string_view>

#include "tsdb/bucket.h"
#include "tsdb/catalog.h"
#include "tsdb/chunk_correct.h"
#include "tsdb/records.h"
#include "tsdb/sealer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace campanile::tsdb;
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t seen = 0;
  switch (data[0] % 9) {
    case 0:
      (void)decode_points(bytes, [&](SeriesId, int64_t, std::span<const Slot> slots) {
        for (const Slot& slot : slots) {
          if (slot.value.type() == campanile::FieldType::kString) seen += slot.value.as_string().size();
        }
      });
      break;
    case 1:
      (void)decode_definitions(bytes, [&](const Definition&) {
        ++seen;
        return campanile::Result<void>();
      });
      break;
    case 2: (void)decode_database_change(bytes); break;
    case 3: (void)Catalog::decode(bytes); break;
    case 4: (void)decode_chunks_state(bytes); break;
    case 5: (void)decode_meta(bytes); break;
    case 6:
      if (const auto change = decode_range_change(campanile::journal::RecordType::kErase, bytes)) seen += change->series.size();
      break;
    case 7:
      if (const auto change = decode_range_change(campanile::journal::RecordType::kCorrect, bytes)) seen += change->series.size();
      break;
    case 8: (void)decode_progress(bytes); break;
  }
  return seen > size * 256 ? 1 : 0;
}
