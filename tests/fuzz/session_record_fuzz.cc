// Bytes as a session record of the journal and as rows of the store: decoders refuse or understand them, and a replay takes any
// sequence of records that can be decoded. Records follow each other, each after its length in two bytes.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "broker/session_replay.h"
#include "broker/session_rows.h"

using namespace campanile;
using namespace campanile::broker;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto row = decode_session_row(input)) {
    const auto again = decode_session_row(encode_session_row(*row));
    CHECK(again && again->next_sequence == row->next_sequence && again->in_flight.size() == row->in_flight.size());
  }
  if (const auto row = decode_message_row(input)) {
    const auto again = decode_message_row(encode_message_row(row->message, row->qos, row->retain, row->subscription_ids));
    CHECK(again && again->message->payload == row->message->payload && again->message->topic == row->message->topic);
  }
  if (const auto will = decode_will_row(7, input)) {
    const auto again = decode_will_row(7, encode_will_row(**will));
    CHECK(again && (*again)->client_id == (*will)->client_id && (*again)->message->payload == (*will)->message->payload);
  }
  if (const auto options = decode_subscription_row(input)) CHECK(*decode_subscription_row(encode_subscription_row(*options)) == *options);

  const auto store = kv::make_memory_store();
  SessionReplay replay(*store, input.size() % 3 * 1'000);
  journal::Lsn lsn = 0;
  for (std::string_view rest = input; rest.size() >= 2;) {
    const size_t length = static_cast<uint8_t>(rest[0]) | static_cast<size_t>(static_cast<uint8_t>(rest[1])) << 8;
    rest.remove_prefix(2);
    if (!replay.apply(rest.substr(0, length), ++lsn)) break;
    rest.remove_prefix(std::min(length, rest.size()));
  }
  const auto sessions = replay.finish();
  CHECK(sessions.has_value());
  // A will that waits for its delay is one of those that are left.
  const auto wills = replay.take_wills();
  for (const SessionState& state : *sessions) CHECK(!state.will || std::ranges::find(wills, state.will) != wills.end());
  return 0;
}
