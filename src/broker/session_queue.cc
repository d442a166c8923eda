// The queue of a session: its limits, what lies in memory and what on disk, and what a checkpoint writes of the session.
#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "broker/session.h"
#include "broker/session_record.h"
#include "broker/session_store.h"
#include "broker/session_waiting.h"

namespace campanile::broker {
namespace {

// Rows of no further use that make a write worth while before the next checkpoint.
constexpr size_t kErasedRowsMax = 4'096;

}  // namespace

QueueLimits Session::queue_limits() const {
  const QueueLimits& own = terms_.queue;
  const BrokerOptions& general = environment_.options;
  return {.bytes_max = own.bytes_max != 0 ? own.bytes_max : general.queue_bytes_max,
          .messages_max = own.messages_max != 0 ? own.messages_max : static_cast<uint32_t>(std::min<size_t>(general.queue_messages_max, UINT32_MAX)),
          .age_max_s = own.age_max_s != 0 ? own.age_max_s : general.queue_age_max_s};
}

OutgoingMessage* Session::enqueue(Publication& publication, const DeliveryTerms& terms, bool recorded, Traffic& traffic) {
  const BrokerOptions& options = environment_.options;
  const size_t bytes = publication.bytes();
  const size_t cost = bytes + kQueuedOverheadBytes;
  const QueueLimits limits = queue_limits();
  Waiting& waits = waiting();
  if (waits.messages >= limits.messages_max || waits.bytes + bytes > limits.bytes_max) {
    traffic.drop(DropReason::kQueueFull);
    return nullptr;
  }
  const size_t memory = environment_.memory_bytes.fetch_add(cost) + cost;
  const size_t all = environment_.queued_bytes.fetch_add(bytes) + bytes;
  // Memory beyond the budget goes to disk soon, unless the disk refuses.
  if (all > options.queues_bytes_max || (memory > 2 * options.queue_memory_bytes_max && environment_.store.failing())) {
    environment_.memory_bytes -= cost;
    environment_.queued_bytes -= bytes;
    traffic.drop(DropReason::kQueuesFull);
    return nullptr;
  }
  if (memory > options.queue_memory_bytes_max) environment_.store.request_spill();
  ++environment_.queued_messages;
  ++waits.messages;
  waits.bytes += bytes;
  waits.memory_bytes += cost;
  auto& newest = waits.newest();
  newest.push_back({.message = publication.keep(), .qos = std::min(publication.qos, terms.qos),
                    .retain = terms.retain_as_published && publication.retain, .recorded = recorded,
                    .subscription_ids = terms.subscription_ids, .sequence = next_sequence_++});
  return &newest.back();
}

OutgoingMessage Session::take_front() {
  Waiting& waits = *waiting_;
  OutgoingMessage out = std::move(waits.queue.front());
  waits.queue.pop_front();
  const size_t bytes = out.message->bytes();
  --waits.messages;
  waits.bytes -= bytes;
  waits.memory_bytes -= memory_cost(*out.message);
  --environment_.queued_messages;
  environment_.queued_bytes -= bytes;
  environment_.memory_bytes -= memory_cost(*out.message);
  return out;
}

void Session::drop_front(DropReason reason, Traffic& traffic) {
  const OutgoingMessage out = take_front();
  if (durable_) record(encode_finished(number_, out.sequence));
  forget_row(out);
  traffic.drop(reason);
}

// Why a message that waited is not sent any more.
std::optional<DropReason> Session::stale(const Message& message, int64_t now_ns) const {
  if (is_expired(message.expires_ns, now_ns)) return DropReason::kExpired;
  const int64_t age_max_s = queue_limits().age_max_s;
  if (age_max_s > 0 && now_ns - message.published_ns > age_max_s * kNanosPerSecond) return DropReason::kTooOld;
  return std::nullopt;
}

OutgoingMessage* Session::find_queued(uint64_t sequence) {
  if (!waiting_) return nullptr;
  auto& newest = waiting_->newest();
  const auto found = std::ranges::lower_bound(newest, sequence, {}, &OutgoingMessage::sequence);
  return found != newest.end() && found->sequence == sequence ? &*found : nullptr;
}

void Session::withdraw(uint64_t sequence) {
  std::lock_guard lock(mutex_);
  const OutgoingMessage* queued = find_queued(sequence);
  if (!queued) return;
  const size_t bytes = queued->message->bytes();
  const size_t cost = memory_cost(*queued->message);
  --waiting_->messages;
  waiting_->bytes -= bytes;
  waiting_->memory_bytes -= cost;
  --environment_.queued_messages;
  environment_.queued_bytes -= bytes;
  environment_.memory_bytes -= cost;
  auto& newest = waiting_->newest();
  newest.erase(newest.begin() + (std::ranges::lower_bound(newest, sequence, {}, &OutgoingMessage::sequence) - newest.begin()));
}

void Session::forget_row(const OutgoingMessage& out) {
  if (out.row == OutgoingMessage::Row::kNone) return;
  waiting_->erased.push_back(out.sequence);
  if (waiting_->erased.size() == kErasedRowsMax) environment_.store.request(shared_from_this());
}

// The next portion from disk, once nothing in memory comes before it and the client would take it.
void Session::ask_for_more() {
  Waiting& waits = *waiting_;
  if (waits.disk_messages() == 0 || !waits.queue.empty() || waits.spilled->loading) return;
  if (link_ && (!window_open() || !room_in_connection(environment_.options.connection_bytes_max))) return;
  waits.spilled->loading = true;
  environment_.store.request(shared_from_this());
}

void Session::fill_row(SessionRow& row) {
  row.as_of = environment_.store.end();
  row.next_sequence = row.queue_first = next_sequence_;
  row.expiry_s = terms_.expiry_s;
  row.queue = terms_.queue;
  row.away_since_ns = link_ ? 0 : since_ns_;
  row.client_id = client_id_;
  if (received_) {
    for (const auto& [id, lsn] : *received_) row.received.push_back(id);
  }
  if (!waiting_) return;
  if (!waiting_->queue.empty()) {
    row.queue_first = waiting_->queue.front().sequence;
  } else if (waiting_->disk_messages() > 0) {
    row.queue_first = waiting_->spilled->first;
  }
  waiting_->in_flight.each([&](uint16_t id, InFlight::Entry& entry) {
    row.in_flight.push_back({.sequence = entry.out.sequence, .packet_id = id, .peer_received = entry.stage == InFlight::Stage::kReceived});
  });
}

bool Session::take_snapshot(SessionSnapshot& out) {
  std::lock_guard lock(mutex_);
  if (ended_ || (durable_ && !opened_)) return false;
  const auto write_out = [&](OutgoingMessage& message) {
    if (!message.recorded) {
      out.row.unrecorded.push_back(message.sequence);
    } else if (message.row == OutgoingMessage::Row::kNone && message.message) {
      message.row = OutgoingMessage::Row::kWriting;
      out.messages.emplace_back(message.sequence, MessageRow{message.message, message.qos, message.retain, message.subscription_ids});
    }
  };
  if (waiting_) {
    waiting_->each_queued(write_out);
    if (durable_) waiting_->in_flight.each([&](uint16_t, InFlight::Entry& entry) { write_out(entry.out); });
    out.erased = std::exchange(waiting_->erased, {});
  }
  if (!changed_ && out.messages.empty() && out.erased.empty()) return false;
  if (number_ == 0) number_ = environment_.store.take_number();
  out.number = number_;
  out.durable = durable_;
  in_store_ = true;
  changed_ = false;
  if (!durable_) return true;
  fill_row(out.row);
  if (!changed_filters_) return true;
  for (const std::string& filter : *changed_filters_) {
    const SubscriptionOptions* options = find_filter(filter);
    out.filters.emplace_back(filter, options ? std::optional(*options) : std::nullopt);
  }
  changed_filters_.reset();
  return true;
}

void Session::snapshot_written(const SessionSnapshot& snapshot, bool written) {
  using Row = OutgoingMessage::Row;
  std::lock_guard lock(mutex_);
  if (ended_) return;
  const auto note = [&](OutgoingMessage& message) {
    if (message.row == Row::kWriting) message.row = written ? Row::kWritten : Row::kNone;
  };
  if (waiting_) {
    waiting_->each_queued(note);
    waiting_->in_flight.each([&](uint16_t, InFlight::Entry& entry) { note(entry.out); });
  }
  if (written) return;
  changed_ = true;
  if (!snapshot.erased.empty()) waiting_->erased.insert(waiting_->erased.end(), snapshot.erased.begin(), snapshot.erased.end());
  for (const auto& [filter, options] : snapshot.filters) {
    if (!changed_filters_) changed_filters_ = std::make_unique<StringSet>();
    changed_filters_->insert(filter);
  }
}

size_t Session::memory_bytes() const {
  std::lock_guard lock(mutex_);
  return waiting_ && !ended_ ? waiting_->memory_bytes : 0;
}

bool Session::wants_rows_erased() const {
  std::lock_guard lock(mutex_);
  return waiting_ && waiting_->erased.size() >= kErasedRowsMax;
}

// From the front of what is in memory behind the spilled rows, or of all there is: as far as each message is in the store.
void Session::release_memory() {
  std::lock_guard lock(mutex_);
  if (ended_ || !waiting_) return;
  Waiting& waits = *waiting_;
  auto& from = waits.newest();
  while (!from.empty() && from.front().row == OutgoingMessage::Row::kWritten) {
    const OutgoingMessage& out = from.front();
    if (waits.disk_messages() == 0) {
      waits.spilled = std::make_unique<Waiting::Spilled>();
      waits.spilled->first = out.sequence;
      waits.spilled->oldest_ns = out.message->published_ns;
    }
    waits.spilled->end = out.sequence + 1;
    ++waits.spilled->messages;
    waits.spilled->bytes += out.message->bytes();
    waits.memory_bytes -= memory_cost(*out.message);
    environment_.memory_bytes -= memory_cost(*out.message);
    from.pop_front();
  }
  // What had been the queue goes on behind the spilled rows.
  if (&from == &waits.queue && waits.disk_messages() > 0) waits.spilled->tail = std::exchange(waits.queue, {});
}

std::optional<Session::LoadWanted> Session::load_wanted() const {
  std::lock_guard lock(mutex_);
  if (ended_ || !waiting_ || waiting_->disk_messages() == 0 || !waiting_->spilled->loading) return std::nullopt;
  return LoadWanted{.number = number_, .first = waiting_->spilled->first, .end = waiting_->spilled->end};
}

int Session::loaded(std::vector<LoadedMessage> portion, bool at_end, int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  if (ended_ || !waiting_ || waiting_->disk_messages() == 0) return -1;
  Waiting& waits = *waiting_;
  Waiting::Spilled& spilled = *waits.spilled;
  spilled.loading = false;
  for (LoadedMessage& one : portion) {
    spilled.first = std::max(spilled.first, one.sequence + 1);
    if (!one.row.message) continue;  // unreadable; the counts are put right at the end
    const size_t bytes = one.row.message->bytes();
    spilled.messages -= std::min<size_t>(spilled.messages, 1);
    spilled.bytes -= std::min(spilled.bytes, bytes);
    spilled.oldest_ns = one.row.message->published_ns;
    waits.memory_bytes += memory_cost(*one.row.message);
    environment_.memory_bytes += memory_cost(*one.row.message);
    waits.queue.push_back({.message = std::move(one.row.message), .qos = one.row.qos, .retain = one.row.retain,
                           .row = OutgoingMessage::Row::kWritten, .subscription_ids = std::move(one.row.subscription_ids),
                           .sequence = one.sequence});
  }
  if (at_end && spilled.messages > 0) {
    log::error("{} messages queued for '{:.80}' are not in the store", spilled.messages, client_id_);
    traffic.drop(DropReason::kStoreFailed, spilled.messages);
    waits.messages -= spilled.messages;
    waits.bytes -= spilled.bytes;
    environment_.queued_messages -= spilled.messages;
    environment_.queued_bytes -= spilled.bytes;
    spilled.messages = 0;
  }
  waits.close_gap();
  if (link_) {
    pump_locked(now_ns, traffic);
  } else {
    drop_stale_front(now_ns, traffic);
  }
  return wake_locked();
}

void Session::drop_stale_front(int64_t now_ns, Traffic& traffic) {
  auto& queue = waiting_->queue;
  while (!queue.empty() && queue.front().recorded) {
    const auto reason = stale(*queue.front().message, now_ns);
    if (!reason) return;
    drop_front(*reason, traffic);
  }
}

void Session::drop_old(int64_t now_ns, Traffic& traffic) {
  std::lock_guard lock(mutex_);
  if (ended_ || !waiting_ || waiting_->messages == 0) return;
  drop_stale_front(now_ns, traffic);
  const int64_t age_max_s = queue_limits().age_max_s;
  const bool spilled_first = waiting_->queue.empty() && waiting_->disk_messages() > 0;
  if (age_max_s > 0 && spilled_first && now_ns - waiting_->spilled->oldest_ns > age_max_s * kNanosPerSecond) ask_for_more();
}

}  // namespace campanile::broker
