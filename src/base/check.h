// CHECK(condition): an invariant of the program. It stays on in release builds and aborts with file, line and condition.
//
//   CHECK(offset <= buffer.size());
//
// Input from outside never reaches a CHECK: that is what Result is for.
#pragma once

namespace campanile {

[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace campanile

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) [[unlikely]]                                                \
      ::campanile::check_failed(__FILE__, __LINE__, #condition);                  \
  } while (false)
