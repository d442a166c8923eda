#include "ingest/rejected_format.h"

#include <bit>

#include "codec/varint.h"

namespace campanile::ingest {
namespace {

constexpr uint8_t kVersion = 1;

Result<void> check_version(uint8_t version, std::string_view what) {
  if (version == kVersion) return {};
  return fail(ErrorCode::kCorrupt, "{} has format version {}, this program knows {}", what, version, kVersion);
}

}  // namespace

std::string encode_rejected(const RejectedMessage& message) {
  std::string out;
  out.reserve(64 + message.topic.size() + message.client.size() + message.decoder.size() + message.reason.size() + message.payload.size());
  codec::append_fixed(out, kVersion);
  codec::append_varint(out, message.id);
  codec::append_signed(out, message.time_ns);
  codec::append_varint(out, message.payload_bytes);
  for (const auto* text : {&message.topic, &message.client, &message.decoder, &message.reason, &message.payload}) codec::append_bytes(out, *text);
  return out;
}

Result<RejectedMessage> decode_rejected(std::string_view bytes) {
  codec::ByteReader in(bytes);
  TRY(check_version(in.byte(), "a rejected message"));
  RejectedMessage message;
  message.id = in.varint();
  message.time_ns = in.signed_varint();
  message.payload_bytes = in.varint();
  for (auto* text : {&message.topic, &message.client, &message.decoder, &message.reason, &message.payload}) *text = in.sized_bytes();
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "a rejected message of {} bytes does not fit its lengths", bytes.size());
  return message;
}

std::string encode_totals(const RejectedTotals& totals) {
  std::string out;
  codec::append_fixed(out, kVersion);
  for (const uint64_t number : {totals.next_id, totals.first_id, totals.total, totals.dropped, totals.kept_bytes}) codec::append_varint(out, number);
  codec::append_varint(out, totals.by_reason.size());
  for (const auto& [reason, count] : totals.by_reason) {
    codec::append_bytes(out, reason);
    codec::append_varint(out, count);
  }
  return out;
}

Result<RejectedTotals> decode_totals(std::string_view bytes) {
  codec::ByteReader in(bytes);
  TRY(check_version(in.byte(), "the list of rejected messages"));
  RejectedTotals totals;
  for (auto* number : {&totals.next_id, &totals.first_id, &totals.total, &totals.dropped, &totals.kept_bytes}) *number = in.varint();
  for (auto reasons = in.varint(); reasons > 0 && in.ok(); --reasons) {
    std::string reason(in.sized_bytes());
    totals.by_reason[std::move(reason)] = in.varint();
  }
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "the totals of rejected messages do not fit their lengths");
  return totals;
}

std::string rejected_key(uint64_t id) {
  std::string key(kRejectedKeysBegin);
  codec::append_fixed(key, std::byteswap(id));  // the most significant byte first, so that keys sort by id
  return key;
}

}  // namespace campanile::ingest
