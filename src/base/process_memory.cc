#include "base/process_memory.h"

#include <fstream>

#include <malloc.h>
#include <unistd.h>

namespace campanile {

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return statm ? resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

HeapUse heap_use() {
  const auto info = mallinfo2();
  return {.used = info.uordblks + info.hblkhd, .free = info.fordblks};
}

}  // namespace campanile
