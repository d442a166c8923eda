// The row of a job on arbitrary bytes: what it is read as is written as the same bytes' meaning again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/recompute/job.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto job = campanile::app::decode_job(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!job) {
    CHECK(!job.error().message.empty());
    return 0;
  }
  CHECK(job->progress() >= 0 && job->progress() <= 1);
  const std::string row = encode_job(*job);
  CHECK(encode_job(*campanile::app::decode_job(row)) == row);
  return 0;
}
