#include "app/backup/row_check.h"

#include <array>
#include <vector>

#include "app/derived/state.h"
#include "app/recompute/job.h"
#include "audit/audit_entry.h"
#include "base/text.h"
#include "broker/retained_record.h"
#include "broker/session_rows.h"
#include "ingest/rejected_format.h"
#include "tsdb/chunk.h"
#include "tsdb/sealer.h"

namespace campanile::app {
namespace {

using Decode = Result<void> (*)(std::string_view bytes);

template <auto kDecode>
Result<void> readable(std::string_view bytes) {
  TRY(kDecode(bytes));
  return {};
}

Result<void> readable_will(std::string_view bytes) {
  TRY(broker::decode_will_row(0, bytes));
  return {};
}

// By what their keys begin with (docs/format/kv.md).
constexpr std::array<std::pair<std::string_view, Decode>, 11> kKinds = {{
    {"R", readable<broker::decode_retained>},
    {"Ss", readable<broker::decode_session_row>},
    {"St", readable<broker::decode_subscription_row>},
    {"Sm", readable<broker::decode_message_row>},
    {"Sw", readable_will},
    {ingest::kRejectedKeysBegin, readable<ingest::decode_rejected>},
    {ingest::kRejectedTotalsKey, readable<ingest::decode_totals>},
    {kJobKeysBegin, readable<decode_job>},
    {kStateKeysBegin, readable<decode_state>},
    {audit::kAuditKeysBegin, readable<audit::decode_entry>},
    {audit::kAuditTotalsKey, readable<audit::decode_totals>},
}};

constexpr char kChunks = static_cast<char>(tsdb::BucketRows::kChunks);

}  // namespace

Result<void> RowCheck::operator()(std::string_view key, std::string_view value) {
  if (key.starts_with(kChunks)) return check_chunk(key, value);
  if (key == tsdb::kMetaKey) checkpoint_lsn_ = TRY(tsdb::decode_meta(value)).checkpoint_lsn;
  for (const auto& [prefix, decode] : kKinds) {
    if (!key.starts_with(prefix)) continue;
    if (const auto decoded = decode(value); !decoded) return with_context(decoded.error(), fmt::format("row '{}'", excerpt(key)));
  }
  return {};
}

Result<void> RowCheck::check_chunk(std::string_view key, std::string_view value) {
  const tsdb::Chunk chunk = TRY(tsdb::parse_chunk(key, value));
  if (series_ != std::pair(chunk.key.bucket, chunk.key.series)) {
    series_ = {chunk.key.bucket, chunk.key.series};
    times_.clear();
  }
  const std::pair moment(chunk.key.min_time_ns, chunk.key.sequence);
  if (chunk.is_times) {
    times_[moment] = {std::string(key), std::string(value)};
    std::vector<int64_t> times_ns;
    return tsdb::decode_chunk_times(chunk, times_ns);
  }
  if (chunk.times != tsdb::Times::kShared) return tsdb::decode_chunk(chunk, nullptr, unpacked_);
  const auto shared = times_.find(moment);
  if (shared == times_.end()) return fail(ErrorCode::kCorrupt, "{}: the times that it shares are missing", tsdb::to_string(chunk.key));
  const tsdb::Chunk times = TRY(tsdb::parse_chunk(shared->second.key, shared->second.value));
  return tsdb::decode_chunk(chunk, &times, unpacked_);
}

}  // namespace campanile::app
