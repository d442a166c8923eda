// InputBudget: memory for packets that are begun and not complete, of all connections of a broker together.
//
//   if (!budget.hold(bytes_left, charged_)) end_with(kQuotaExceeded);     // after each portion of input
//   budget.hold(0, charged_);                                             // at the end of the connection
//
// What a connection holds is charged as its buffer grows, in powers of two; the first kFreeBytes cost nothing, so that small packets pass
// whatever others do, and no counter is touched for them. A buffer may grow while as much as it will have is free beside it. So one
// connection never has more than half of the budget, and the fuller the budget, the smaller are the packets that still pass: those with
// the largest are ended first.
// Threads: any; one atomic. A refusal may come early where several ask at once, the limit is never passed.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace campanile::broker {

class InputBudget {
 public:
  static constexpr size_t kFreeBytes = 16 * 1024;

  explicit InputBudget(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Whatever bytes_max says, one packet of that size has room while nobody else takes any. Before the first connection.
  void make_room_for(size_t packet_bytes) { bytes_max_ = std::max(bytes_max_, 2 * std::bit_ceil(packet_bytes)); }

  // The connection that has been charged `charged` holds `bytes` now. False: it may not, and nothing has changed.
  bool hold(size_t bytes, uint32_t& charged) {
    const size_t wanted = bytes <= kFreeBytes ? 0 : std::bit_ceil(bytes);
    if (wanted == charged) return true;
    if (wanted < charged) {
      bytes_.fetch_sub(charged - wanted, std::memory_order_relaxed);
    } else {
      const size_t more = wanted - charged;
      const size_t all = bytes_.fetch_add(more, std::memory_order_relaxed) + more;
      if (all + wanted > bytes_max_) {
        bytes_.fetch_sub(more, std::memory_order_relaxed);
        return false;
      }
    }
    charged = static_cast<uint32_t>(wanted);
    return true;
  }

  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  size_t bytes_max() const { return bytes_max_; }

 private:
  size_t bytes_max_;
  std::atomic<size_t> bytes_{0};
};

}  // namespace campanile::broker
