#include "base/process_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace campanile {
namespace {

constexpr size_t kBytes = 32u << 20;

TEST(ProcessMemory, ResidentGrowsWithWhatIsWritten) {
  const auto before = resident_bytes();
  ASSERT_GT(before, 0u);
  const auto block = std::make_unique_for_overwrite<char[]>(kBytes);
  std::memset(block.get(), 1, kBytes);
  EXPECT_GT(resident_bytes(), before + kBytes / 2);
}

TEST(ProcessMemory, HeapInUseFollowsWhatIsHeld) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  const auto before = heap_use().used;
  auto block = std::make_unique<char[]>(kBytes);
  EXPECT_GE(heap_use().used, before + kBytes);
  block.reset();
  EXPECT_LT(heap_use().used, before + kBytes);
}

}  // namespace
}  // namespace campanile
