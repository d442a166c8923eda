// The bytes of a rejected message, in the journal and in the key-value store alike (docs/format/rejected.md draws them).
//
//   std::string bytes = encode_rejected(message);
//   RejectedMessage message = TRY(decode_rejected(bytes));
//
// Threads: pure functions. Errors: kCorrupt.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace campanile::ingest {

// A message that could not be decoded, or not all of it, or whose points the store refused.
struct RejectedMessage {
  uint64_t id = 0;  // counts up from 1
  int64_t time_ns = 0;
  std::string topic;
  std::string client;
  std::string decoder;  // empty: none was reached
  std::string reason;
  std::string payload;         // its beginning, where it was longer than is kept
  uint64_t payload_bytes = 0;  // as received
};

// What the store knows of all messages up to `next_id`, also those that have gone.
struct RejectedTotals {
  uint64_t next_id = 1;
  uint64_t first_id = 1;  // of the oldest kept
  uint64_t total = 0;
  uint64_t dropped = 0;  // the oldest ones that went for want of room
  uint64_t kept_bytes = 0;
  std::map<std::string, uint64_t, std::less<>> by_reason;
};

std::string encode_rejected(const RejectedMessage& message);
Result<RejectedMessage> decode_rejected(std::string_view bytes);

std::string encode_totals(const RejectedTotals& totals);
Result<RejectedTotals> decode_totals(std::string_view bytes);

// Keys in the store: the entries in order of their ids, and the totals.
std::string rejected_key(uint64_t id);
inline constexpr std::string_view kRejectedKeysBegin = "re";
inline constexpr std::string_view kRejectedKeysEnd = "rf";
inline constexpr std::string_view kRejectedTotalsKey = "rt";

}  // namespace campanile::ingest
