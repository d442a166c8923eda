#include "broker/session_replay.h"

#include <algorithm>

#include <absl/container/flat_hash_map.h>

#include "base/log.h"
#include "broker/session_rows.h"
#include "broker/session_waiting.h"

namespace campanile::broker {
namespace {

constexpr size_t kBatchChanges = 4'096;
constexpr size_t kBatchBytes = 1u << 20;

std::unexpected<Error> broken(Error error, const ParsedKey& key) {
  return with_context(std::move(error), fmt::format("session {} in the store", key.session));
}

// Calls `visit` for each row of that kind.
template <typename Visit>
Result<void> each_row(const kv::Store& store, SessionRowKind kind, Visit visit) {
  const auto rows = store.iterate(first_key(kind), end_key(kind));
  for (rows->seek(first_key(kind)); rows->valid(); rows->next()) {
    const auto key = parse_key(rows->key());
    if (!key) return fail(ErrorCode::kCorrupt, "a session's row with a key of {} bytes", rows->key().size());
    TRY(visit(*key, rows->value()));
  }
  return rows->status();
}

SessionState state_of(uint64_t number, SessionRow row) {
  SessionState state{.number = number, .client_id = std::move(row.client_id), .expiry_s = row.expiry_s, .queue = row.queue,
                     .away_since_ns = row.away_since_ns, .next_sequence = row.next_sequence, .disk_first = row.queue_first,
                     .disk_end = row.next_sequence, .as_of = row.as_of, .row_next_sequence = row.next_sequence};
  state.received.insert(row.received.begin(), row.received.end());
  state.row_unrecorded.insert(row.unrecorded.begin(), row.unrecorded.end());
  for (const auto& entry : row.in_flight) {
    state.messages[entry.sequence] = {.qos = static_cast<uint8_t>(entry.peer_received ? 2 : 0), .in_store = true, .packet_id = entry.packet_id,
                                      .peer_received = entry.peer_received};
  }
  return state;
}

// 0 in flight, or where it is in the store alone.
size_t waiting_cost(const KeptMessage& kept) { return kept.message && kept.packet_id == 0 ? memory_cost(*kept.message) : 0; }

}  // namespace

void SessionReplay::note_number(uint64_t number) {
  if (number >= next_number_) next_number_ = number + 1;
}

SessionState* SessionReplay::find(uint64_t number) {
  const auto found = sessions_.find(number);
  return found == sessions_.end() ? nullptr : &found->second;
}

Result<void> SessionReplay::read_rows() {
  TRY(each_row(store_, SessionRowKind::kSession, [&](const ParsedKey& key, std::string_view value) -> Result<void> {
    auto row = decode_session_row(value);
    if (!row) return broken(std::move(row).error(), key);
    note_number(key.session);
    if (row->will) keep_old_will(key.session, std::move(row->will));
    sessions_.insert_or_assign(key.session, state_of(key.session, std::move(*row)));
    return {};
  }));
  TRY(each_row(store_, SessionRowKind::kWill, [&](const ParsedKey& key, std::string_view value) -> Result<void> {
    auto will = decode_will_row(key.session, value);
    if (!will) return with_context(std::move(will).error(), fmt::format("will {} in the store", key.session));
    note_number(key.session);
    note_number((*will)->session);
    wills_[key.session] = std::move(*will);
    return {};
  }));
  return each_row(store_, SessionRowKind::kSubscription, [&](const ParsedKey& key, std::string_view value) -> Result<void> {
    auto options = decode_subscription_row(value);
    if (!options) return broken(std::move(options).error(), key);
    note_number(key.session);
    if (SessionState* state = find(key.session)) state->filters.insert_or_assign(std::string(key.rest), *options);
    return {};
  });
}

Result<void> SessionReplay::apply(std::string_view record, journal::Lsn lsn) {
  apply(TRY(decode_session_record(record)), lsn);
  return waiting_bytes_ > memory_bytes_max_ ? spill() : Result<void>();
}

// Before version 3 a delayed will was a part of its session, and void with the session's next record of some kinds. It has its session's number,
// which no other will has. Whatever came before may be applied again, since all that came after is, too.
void SessionReplay::keep_old_will(uint64_t session, std::unique_ptr<Will> will) {
  will->number = will->session = session;
  wills_[session] = std::move(will);
}

void SessionReplay::apply_will(SessionRecord& record) {
  switch (record.event) {
    case SessionEvent::kWillLeft:
      note_number(record.will->session);
      wills_[record.session] = std::move(record.will);
      return;
    case SessionEvent::kWillGone:
    case SessionEvent::kOpened:
    case SessionEvent::kEnded: wills_.erase(record.session); return;
    case SessionEvent::kAway:
      if (record.will) keep_old_will(record.session, std::move(record.will));
      return;
    default: return;
  }
}

void SessionReplay::apply(SessionRecord record, journal::Lsn lsn) {
  if (record.event == SessionEvent::kMessage) return apply_message(record, lsn);
  note_number(record.session);
  apply_will(record);
  if (record.event == SessionEvent::kWillLeft || record.event == SessionEvent::kWillGone) return;
  SessionState* state = find(record.session);
  if (state && lsn <= state->as_of) return;
  if (record.event == SessionEvent::kOpened) {
    if (!state) state = &sessions_.emplace(record.session, SessionState{.number = record.session}).first->second;
    state->client_id = std::move(record.text);
    state->expiry_s = record.expiry_s;
    state->queue = record.queue;
    state->away_since_ns = 0;
    return;
  }
  if (!state) return;  // of a session that has ended since
  switch (record.event) {
    case SessionEvent::kAway:
      state->expiry_s = record.expiry_s;
      state->away_since_ns = record.since_ns;
      return;
    case SessionEvent::kEnded: return end(record.session);
    case SessionEvent::kSubscribed:
      state->changed_filters.insert(record.text);
      state->filters.insert_or_assign(std::move(record.text), record.options);
      return;
    case SessionEvent::kUnsubscribed:
      state->changed_filters.insert(record.text);
      state->filters.erase(record.text);
      return;
    case SessionEvent::kGiven: return give(*state, record.sequence, record.packet_id);
    case SessionEvent::kPeerReceived: {
      const auto found = state->messages.find(record.sequence);
      if (found == state->messages.end()) return;
      waiting_bytes_ -= waiting_cost(found->second);
      found->second.peer_received = true;
      found->second.message = nullptr;
      return;
    }
    case SessionEvent::kFinished: return finish_message(*state, record.sequence);
    case SessionEvent::kReleased: state->received.erase(record.packet_id); return;
    case SessionEvent::kOpened:
    case SessionEvent::kWillLeft:
    case SessionEvent::kWillGone:
    case SessionEvent::kMessage: return;
  }
}

void SessionReplay::apply_message(const SessionRecord& record, journal::Lsn lsn) {
  if (record.session != 0) {
    note_number(record.session);
    SessionState* publisher = find(record.session);
    if (publisher && lsn > publisher->as_of) publisher->received.insert(record.packet_id);
  }
  for (const RecordedReceiver& receiver : record.receivers) {
    note_number(receiver.session);
    SessionState* state = find(receiver.session);
    if (!state) continue;
    // Whoever delivers holds no session's lock while it appends, so that a row's as_of says nothing about messages.
    if (receiver.sequence < state->row_next_sequence && !state->row_unrecorded.contains(receiver.sequence)) continue;
    KeptMessage& kept = state->messages[receiver.sequence];
    waiting_bytes_ -= waiting_cost(kept);
    kept = {.message = record.message, .qos = receiver.qos, .retain = receiver.retain, .subscription_ids = receiver.subscription_ids,
            .packet_id = receiver.packet_id};
    waiting_bytes_ += waiting_cost(kept);
    state->next_sequence = std::max(state->next_sequence, receiver.sequence + 1);
  }
}

void SessionReplay::give(SessionState& state, uint64_t sequence, uint16_t packet_id) {
  const auto found = state.messages.find(sequence);
  if (found != state.messages.end()) {
    waiting_bytes_ -= waiting_cost(found->second);
    found->second.packet_id = packet_id;
    waiting_bytes_ += waiting_cost(found->second);
    return;
  }
  if (sequence >= state.disk_first && sequence < state.disk_end && !state.disk_finished.contains(sequence)) {
    state.messages[sequence] = {.in_store = true, .packet_id = packet_id};
  }
}

void SessionReplay::finish_message(SessionState& state, uint64_t sequence) {
  const auto found = state.messages.find(sequence);
  if (found == state.messages.end() || sequence < state.disk_end) state.disk_finished.insert(sequence);
  if (found == state.messages.end()) return;
  waiting_bytes_ -= waiting_cost(found->second);
  state.messages.erase(found);
}

void SessionReplay::end(uint64_t number) {
  for (const auto& [sequence, kept] : find(number)->messages) waiting_bytes_ -= waiting_cost(kept);
  sessions_.erase(number);
}

// Everything at once, whose turn comes late: a journal with more than the memory for it has many times that. A power cut does no harm. Until a
// session's row contains them, the rows mean nothing, and the journal has the records.
Result<void> SessionReplay::spill() {
  kv::WriteBatch batch;
  size_t bytes = 0;
  for (auto& [number, state] : sessions_) {
    // Rows behind those that count are of a run before. What they hold is in the journal, finished perhaps, or was lost with the power.
    batch.erase_range(message_key(number, state.disk_end), first_key(SessionRowKind::kMessage, number + 1));
    for (auto place = state.messages.begin(); place != state.messages.end();) {
      const auto& [sequence, kept] = *place;
      const size_t cost = waiting_cost(kept);
      if (cost == 0) {
        ++place;
        continue;
      }
      batch.put(message_key(number, sequence), encode_message_row(kept.message, kept.qos, kept.retain, kept.subscription_ids));
      state.disk_end = std::max(state.disk_end, sequence + 1);
      waiting_bytes_ -= cost;
      bytes += cost;
      place = state.messages.erase(place);
      if (bytes < kBatchBytes) continue;
      TRY(store_.write(batch, kv::Durability::kBuffered));
      batch.clear();
      bytes = 0;
    }
  }
  return store_.write(batch, kv::Durability::kBuffered);
}

// A client identifier has one session: where a crash came between the end of the old one and the beginning of the new one, the new one.
void SessionReplay::drop_doubles() {
  absl::flat_hash_map<std::string, uint64_t> newest;
  for (const auto& [number, state] : sessions_) newest[state.client_id] = number;
  std::erase_if(sessions_, [&](const auto& entry) { return newest[entry.second.client_id] != entry.first; });
}

// Looks at each message's row once: it is in flight and needed in memory, waits, or is of no use any more.
Result<void> SessionReplay::place_messages() {
  kv::WriteBatch useless;
  const auto erase = [&](std::string key) -> Result<void> {
    useless.erase(key);
    if (useless.size() < kBatchChanges) return {};
    TRY(store_.write(useless, kv::Durability::kBuffered));
    useless.clear();
    return {};
  };
  TRY(each_row(store_, SessionRowKind::kMessage, [&](const ParsedKey& key, std::string_view value) -> Result<void> {
    SessionState* state = find(key.session);
    note_number(key.session);
    const uint64_t sequence = key.sequence();
    const auto known = state ? state->messages.find(sequence) : std::map<uint64_t, KeptMessage>::iterator{};
    const bool is_known = state && known != state->messages.end();
    if (is_known && known->second.message) {
      known->second.in_store = true;
      return {};
    }
    if (is_known && !known->second.peer_received) {
      auto row = decode_message_row(value);
      if (!row) return broken(std::move(row).error(), key);
      KeptMessage& kept = known->second;
      kept.message = std::move(row->message);
      kept.qos = row->qos;
      kept.retain = row->retain;
      kept.subscription_ids = std::move(row->subscription_ids);
      return {};
    }
    const bool waits = state && !is_known && sequence >= state->disk_first && sequence < state->disk_end && !state->disk_finished.contains(sequence);
    if (!waits) return erase(message_key(key.session, sequence));
    auto row = decode_message_row(value);
    if (!row) return broken(std::move(row).error(), key);
    if (state->disk_messages == 0) state->disk_first = sequence;
    ++state->disk_messages;
    state->disk_bytes += row->message->bytes();
    return {};
  }));
  for (const SessionRowKind kind : {SessionRowKind::kSession, SessionRowKind::kSubscription}) {
    TRY(each_row(store_, kind, [&](const ParsedKey& key, std::string_view) -> Result<void> {
      const SessionState* state = find(key.session);
      const bool used = state && (kind == SessionRowKind::kSession || state->filters.contains(key.rest));
      return used ? Result<void>() : erase(first_key(kind, key.session).append(key.rest));
    }));
  }
  TRY(each_row(store_, SessionRowKind::kWill, [&](const ParsedKey& key, std::string_view) -> Result<void> {
    return wills_.contains(key.session) ? Result<void>() : erase(will_key(key.session));
  }));
  return useless.empty() ? Result<void>() : store_.write(useless, kv::Durability::kBuffered);
}

// One that is delayed waits with its session. Any other was due when its connection ended, which it has by now.
void SessionReplay::place_wills() {
  std::erase_if(wills_, [&](const auto& entry) { return entry.second->client_id.empty() && !find(entry.second->session); });
  for (const auto& [number, will] : wills_) {
    SessionState* state = find(will->session);
    if (!state) continue;
    if (will->client_id.empty()) will->client_id = state->client_id;
    if (will->delay_s > 0) state->will = will;
  }
}

// A queue lies partly in the store and goes on in memory. A message whose record came late belongs among those in the store: there it goes.
Result<void> SessionReplay::join_queues() {
  kv::WriteBatch batch;
  for (auto& [number, state] : sessions_) {
    std::erase_if(state.messages, [&](const auto& entry) {
      const bool lost = !entry.second.message && !entry.second.peer_received;
      if (lost) log::warning("a message in flight to '{:.80}' is not in the store", state.client_id);
      return lost;
    });
    if (state.disk_messages == 0) {
      state.disk_first = state.disk_end = 0;
      continue;
    }
    for (auto place = state.messages.begin(); place != state.messages.end() && place->first < state.disk_end;) {
      const KeptMessage& kept = place->second;
      if (kept.packet_id != 0) {
        ++place;
        continue;
      }
      batch.put(message_key(number, place->first), encode_message_row(kept.message, kept.qos, kept.retain, kept.subscription_ids));
      state.disk_first = std::min(state.disk_first, place->first);
      ++state.disk_messages;
      state.disk_bytes += kept.message->bytes();
      place = state.messages.erase(place);
    }
  }
  return batch.empty() ? Result<void>() : store_.write(batch, kv::Durability::kBuffered);
}

Result<std::vector<SessionState>> SessionReplay::finish() {
  drop_doubles();
  place_wills();
  TRY(place_messages());
  TRY(join_queues());
  std::vector<SessionState> result;
  result.reserve(sessions_.size());
  for (auto& [number, state] : sessions_) result.push_back(std::move(state));
  sessions_.clear();
  return result;
}

std::vector<std::shared_ptr<const Will>> SessionReplay::take_wills() {
  std::vector<std::shared_ptr<const Will>> result;
  result.reserve(wills_.size());
  for (auto& [number, will] : wills_) result.push_back(std::move(will));
  wills_.clear();
  return result;
}

}  // namespace campanile::broker
