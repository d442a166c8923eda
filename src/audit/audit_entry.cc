#include "audit/audit_entry.h"

#include "codec/varint.h"

namespace campanile::audit {
namespace {

constexpr uint8_t kVersion = 1;

Result<void> check_version(codec::ByteReader& in, std::string_view what) {
  const uint8_t version = in.byte();
  if (!in.ok()) return fail(ErrorCode::kCorrupt, "{} without a byte", what);
  if (version != kVersion) return fail(ErrorCode::kUnsupported, "{} of format version {}, this program reads {}", what, version, kVersion);
  return {};
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kBegun: return "begun";
    case State::kFinished: return "finished";
    case State::kFailed: break;
  }
  return "failed";
}

std::string encode_entry(const AuditEntry& entry) {
  std::string out;
  out += static_cast<char>(kVersion);
  codec::append_varint(out, entry.id);
  codec::append_signed(out, entry.time_ns);
  out += static_cast<char>(entry.state);
  codec::append_signed(out, entry.ended_ns);
  for (const std::string* const text : {&entry.kind, &entry.who, &entry.what, &entry.why, &entry.database}) codec::append_bytes(out, *text);
  codec::append_signed(out, entry.from_ns);
  codec::append_signed(out, entry.to_ns);
  codec::append_varint(out, entry.series);
  codec::append_varint(out, entry.values);
  codec::append_bytes(out, entry.note);
  return out;
}

Result<AuditEntry> decode_entry(std::string_view bytes) {
  codec::ByteReader in(bytes);
  TRY(check_version(in, "audit entry"));
  AuditEntry entry;
  entry.id = in.varint();
  entry.time_ns = in.signed_varint();
  const uint8_t state = in.byte();
  entry.state = static_cast<State>(state);
  entry.ended_ns = in.signed_varint();
  for (std::string* const text : {&entry.kind, &entry.who, &entry.what, &entry.why, &entry.database}) *text = in.sized_bytes();
  entry.from_ns = in.signed_varint();
  entry.to_ns = in.signed_varint();
  entry.series = in.varint();
  entry.values = in.varint();
  entry.note = in.sized_bytes();
  if (!in.ok() || !in.at_end() || entry.id == 0 || state < 1 || state > 3) return fail(ErrorCode::kCorrupt, "audit entry of {} bytes", bytes.size());
  return entry;
}

std::string encode_totals(const AuditTotals& totals) {
  std::string out;
  out += static_cast<char>(kVersion);
  codec::append_varint(out, totals.next_id);
  codec::append_varint(out, totals.first_id);
  codec::append_varint(out, totals.dropped);
  return out;
}

Result<AuditTotals> decode_totals(std::string_view bytes) {
  codec::ByteReader in(bytes);
  TRY(check_version(in, "audit totals"));
  AuditTotals totals{.next_id = in.varint(), .first_id = in.varint(), .dropped = in.varint()};
  if (!in.ok() || !in.at_end() || totals.first_id == 0 || totals.first_id > totals.next_id) return fail(ErrorCode::kCorrupt, "audit totals of {} bytes", bytes.size());
  return totals;
}

std::string audit_key(uint64_t id) {
  std::string key(kAuditKeysBegin);
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(id >> shift);
  return key;
}

}  // namespace campanile::audit
