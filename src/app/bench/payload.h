// Payload: what the load's messages hold, and reading it back where they arrive.
//
//   PayloadMaker maker(options, run_tag);
//   std::string_view bytes = maker.make({.publisher = 7, .sequence = 12, .sent_ns = now});
//   if (const auto stamp = read_stamp(bytes, run_tag)) latencies.add(now - stamp->sent_ns);
//
// A random payload begins with 24 bytes, little endian: run tag u32, publisher u32, sequence u64, send time u64 (steady clock of
// the machine, so that both ends must be on one). Those of a campus are readings that a server stores, and files are as they are:
// neither carries a stamp, so that latency comes from acknowledgements and losses from counts.
// Threads: one maker a thread; the functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace campanile::app::bench {

inline constexpr size_t kStampBytes = 24;

struct Stamp {
  uint32_t publisher = 0;
  uint64_t sequence = 0;
  int64_t sent_ns = 0;
};

// Nothing where the payload is not of this run.
std::optional<Stamp> read_stamp(std::string_view payload, uint32_t run_tag);

enum class PayloadKind { kRandom, kCampus, kFile };

class PayloadMaker {
 public:
  // `file` is what the file holds, with kFile.
  PayloadMaker(PayloadKind kind, size_t bytes, std::string file, uint32_t run_tag);

  // Valid until the next call. `topic` is the number of the message's topic: each is a sensor of its own in a campus.
  std::string_view make(const Stamp& stamp, uint32_t topic);
  // Whether read_stamp() will find one.
  bool is_stamped() const { return kind_ == PayloadKind::kRandom && bytes_.size() >= kStampBytes; }

 private:
  const PayloadKind kind_;
  const uint32_t run_tag_;
  std::string bytes_;
};

}  // namespace campanile::app::bench
