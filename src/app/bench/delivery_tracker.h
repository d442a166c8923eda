// DeliveryTracker: which messages of which publisher one subscriber has got, to tell what was lost, doubled or out of order.
//
//   DeliveryTracker tracker([&](uint32_t publisher, uint64_t sequence) { return matches(topic_of(publisher, sequence)); });
//   tracker.note(7, 0);                                          // kNew
//   tracker.each_missing(7, sent_by_7, [](uint64_t sequence) { ... });
//
// Each publisher numbers its messages from 0. While they come in order a number per publisher is all that is kept; a gap is kept as
// a range until it is filled. Threads: one owner. Limit: kGapsMax ranges; of gaps beyond it only the number of messages is kept, so
// that a message of such a gap that comes late is taken for a duplicate and stays missing (forgotten()).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace campanile::app::bench {

class DeliveryTracker {
 public:
  static constexpr size_t kGapsMax = 200'000;

  // Whether the subscriber is to get the message at all; empty: every one.
  using Expected = std::function<bool(uint32_t publisher, uint64_t sequence)>;
  explicit DeliveryTracker(Expected expected = {}) : expected_(std::move(expected)) {}

  enum class Seen { kNew, kLate, kDuplicate };
  Seen note(uint32_t publisher, uint64_t sequence) {
    if (publisher < next_.size() && next_[publisher] == sequence) [[likely]] {
      ++next_[publisher];
      return Seen::kNew;
    }
    return note_unexpected(publisher, sequence);
  }

  // Calls `missing` for each expected message below `sent` that has not come, in order.
  void each_missing(uint32_t publisher, uint64_t sent, const std::function<void(uint64_t sequence)>& missing) const;
  // Missing messages whose numbers are not known any more.
  uint64_t forgotten() const { return forgotten_; }

 private:
  Seen note_unexpected(uint32_t publisher, uint64_t sequence);
  void add_gap(uint32_t publisher, uint64_t first, uint64_t end);
  bool is_expected(uint32_t publisher, uint64_t sequence) const { return !expected_ || expected_(publisher, sequence); }

  const Expected expected_;
  std::vector<uint64_t> next_;  // by publisher: the number after the greatest that has come
  std::map<std::pair<uint32_t, uint64_t>, uint64_t> gaps_;  // publisher and first -> end
  uint64_t forgotten_ = 0;
};

}  // namespace campanile::app::bench
