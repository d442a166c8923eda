// DeadlineWheel: keep-alives of many connections, looked at once per deadline and not once per second each.
//
//   wheel.add(link, deadline_ns);                  // link has a WheelPlace
//   for (Link* due : wheel.advance(now_ns)) ...    // each is out of the wheel; add() it again with its next deadline
//
// A slot is a second, the wheel 256 of them; what lies further ahead is put in the last slot and comes round again. Packets that
// arrive do not touch the wheel: the deadline has moved when the old one is reached, and the connection is added anew.
// Threads: one loop's. Ownership: none; remove() before the item goes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace campanile::broker {

struct WheelPlace {
  static constexpr uint32_t kNowhere = UINT32_MAX;
  uint32_t slot = kNowhere;
  uint32_t index = 0;
};

// Item: any type with a public member `WheelPlace wheel_place`.
template <typename Item>
class DeadlineWheel {
 public:
  explicit DeadlineWheel(int64_t now_ns) : second_(now_ns / kSecond) {}

  // REQUIRES: the item is not in the wheel. A deadline that has passed is due at the next advance().
  void add(Item* item, int64_t deadline_ns) {
    // Rounded up: never early. A deadline "never" is not for the wheel.
    int64_t ahead = deadline_ns / kSecond + 1 - second_;
    if (ahead < 1) ahead = 1;
    if (ahead > kSlots - 1) ahead = kSlots - 1;
    const auto slot = static_cast<uint32_t>((second_ + ahead) % kSlots);
    item->wheel_place = {slot, static_cast<uint32_t>(slots_[slot].size())};
    slots_[slot].push_back(item);
    ++size_;
  }

  void remove(Item* item) {
    if (item->wheel_place.slot == WheelPlace::kNowhere) return;
    auto& slot = slots_[item->wheel_place.slot];
    Item* last = slot.back();
    slot[item->wheel_place.index] = last;
    last->wheel_place.index = item->wheel_place.index;
    slot.pop_back();
    item->wheel_place = {};
    --size_;
  }

  // Takes out every item whose slot has come.
  std::vector<Item*> advance(int64_t now_ns) {
    std::vector<Item*> due;
    const int64_t target = now_ns / kSecond;
    // After a pause of more than a round every slot has come once.
    if (target - second_ > kSlots) second_ = target - kSlots;
    while (second_ < target) {
      ++second_;
      // Its memory goes as well: after ten thousand connections in one second a slot would keep room for as many.
      const std::vector<Item*> slot = std::exchange(slots_[static_cast<size_t>(second_ % kSlots)], {});
      for (Item* item : slot) item->wheel_place = {};
      due.insert(due.end(), slot.begin(), slot.end());
      size_ -= slot.size();
    }
    return due;
  }

  size_t size() const { return size_; }

 private:
  static constexpr int64_t kSecond = 1'000'000'000;
  static constexpr int64_t kSlots = 256;

  std::array<std::vector<Item*>, kSlots> slots_;
  int64_t second_;
  size_t size_ = 0;
};

}  // namespace campanile::broker
