// AuditEntry: something that somebody did to the data or the program, and what came of it.
//
//   std::string bytes = encode_entry(entry);
//   AuditEntry entry = TRY(decode_entry(bytes));
//
// The same bytes stand in the journal and in the key-value store; docs/format/audit.md draws them.
// Threads: pure functions. Errors: kCorrupt; kUnsupported for a later format version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace campanile::audit {

// On disk; never renumber them.
enum class State : uint8_t {
  kBegun = 1,     // not finished yet; or the program ended before it was
  kFinished = 2,
  kFailed = 3,    // wholly or in part: the note says how
};
std::string_view to_string(State state);

struct AuditEntry {
  uint64_t id = 0;  // counts up from 1
  int64_t time_ns = 0;
  State state = State::kBegun;
  int64_t ended_ns = 0;  // 0 while it is begun
  std::string kind;      // "delete", "correction", "drop_database": what is filtered by
  std::string who;       // an account, or where somebody without one came from
  std::string what;      // the statement or the request
  std::string why;       // as given; may be empty
  std::string database;  // the following where they mean something
  int64_t from_ns = INT64_MIN;
  int64_t to_ns = INT64_MAX;
  uint64_t series = 0;  // touched
  uint64_t values = 0;
  std::string note;  // what went wrong, or what is left
};

std::string encode_entry(const AuditEntry& entry);
Result<AuditEntry> decode_entry(std::string_view bytes);

// What the store knows of all entries, also of those that have gone.
struct AuditTotals {
  uint64_t next_id = 1;
  uint64_t first_id = 1;  // of the oldest kept
  uint64_t dropped = 0;   // the oldest, which went because of the limits
};
std::string encode_totals(const AuditTotals& totals);
Result<AuditTotals> decode_totals(std::string_view bytes);

// Keys in the store: the entries in order of their ids, and the totals.
std::string audit_key(uint64_t id);
inline constexpr std::string_view kAuditKeysBegin = "ae";
inline constexpr std::string_view kAuditKeysEnd = "af";
inline constexpr std::string_view kAuditTotalsKey = "at";

}  // namespace campanile::audit
