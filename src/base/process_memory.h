// What this process holds in memory, in bytes: to be shown, and to tell growth from what the allocator keeps for later.
//
// Threads: any. Source: proc(5), mallinfo2(3).
#pragma once

#include <cstdint>

namespace campanile {

// What the kernel has given us; 0 where /proc cannot be read.
uint64_t resident_bytes();

struct HeapUse {
  uint64_t used = 0;  // handed out and not yet given back
  uint64_t free = 0;  // given back, and kept by the allocator for what comes next
};

// Visits every arena under its lock: for a look now and then, not for a hot path.
HeapUse heap_use();

}  // namespace campanile
