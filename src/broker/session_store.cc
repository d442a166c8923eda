#include "broker/session_store.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "broker/session.h"
#include "broker/session_registry.h"

namespace campanile::broker {
namespace {

constexpr size_t kBatchBytes = 1u << 20;
// Sessions whose rows are written together, after one wait for the journal.
constexpr size_t kGroupSessions = 1'024;
constexpr size_t kGroupBytes = 4u << 20;
// A portion that is loaded: enough to keep a connection busy until the next, and no more than a slow one may hold.
constexpr size_t kPortionMessages = 512;
constexpr size_t kPortionBytes = 256u << 10;
constexpr auto kRound = std::chrono::seconds(1);
constexpr int64_t kLookForOldNs = 10 * kNanosPerSecond;

size_t bytes_of(const SessionSnapshot& snapshot) {
  size_t bytes = 256;
  for (const auto& [sequence, message] : snapshot.messages) bytes += message.message->bytes() + 64;
  return bytes;
}

}  // namespace

Result<std::unique_ptr<SessionStore>> SessionStore::load(kv::Store& store, const BrokerOptions& options) {
  std::unique_ptr<SessionStore> sessions(new SessionStore(store, options));
  TRY(sessions->replay_.read_rows());
  return sessions;
}

SessionStore::~SessionStore() { stop(); }

Result<std::vector<SessionState>> SessionStore::restore() {
  auto states = TRY(replay_.finish());
  next_number_ = replay_.next_number();
  wills_.restore(replay_.take_wills());
  return states;
}

void SessionStore::serve(Served served) {
  std::lock_guard lock(writing_);
  marks_ = std::make_unique<std::atomic<journal::Lsn>[]>(served.loops);
  for (size_t i = 0; i < served.loops; ++i) marks_[i].store(0);
  last_look_ns_ = served.clock.steady_ns();
  served_ = std::make_unique<Served>(std::move(served));
}

void SessionStore::leave() {
  std::lock_guard lock(writing_);
  served_.reset();
  std::lock_guard requests(requests_mutex_);
  requests_.clear();
}

void SessionStore::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void SessionStore::stop() {
  {
    std::lock_guard lock(requests_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SessionStore::run() {
  std::unique_lock lock(requests_mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kRound, [&] { return stopping_ || spill_wanted_ || !requests_.empty(); });
    if (stopping_) return;
    lock.unlock();
    work();
    lock.lock();
    // Where the disk refuses, the same again would fill the log.
    if (failing()) wake_.wait_for(lock, kRound, [&] { return stopping_; });
  }
}

void SessionStore::work() {
  std::vector<std::shared_ptr<Session>> requests;
  {
    std::lock_guard lock(requests_mutex_);
    requests.swap(requests_);
    spill_wanted_ = false;
  }
  std::lock_guard writing(writing_);
  if (!served_) return;
  for (const auto& session : requests) serve_request(session);
  spill();
  if (const auto erased = erase_forgotten(); !erased) log::warning("rows of sessions that have ended: {}", erased.error().message);
  drop_old();
  wills_.settle();
  served_->counters.add(traffic_);
}

void SessionStore::request_spill() {
  {
    std::lock_guard lock(requests_mutex_);
    if (std::exchange(spill_wanted_, true)) return;
  }
  wake_.notify_one();
}

void SessionStore::request(std::shared_ptr<Session> session) {
  {
    std::lock_guard lock(requests_mutex_);
    requests_.push_back(std::move(session));
  }
  wake_.notify_one();
}

void SessionStore::forget(uint64_t number) {
  std::lock_guard lock(requests_mutex_);
  forgotten_.push_back(number);
}

// A fan-out that is under way as this is called has set its mark, or appends after end().
journal::Lsn SessionStore::needed_from() const {
  journal::Lsn lsn = journal_->end();
  for (size_t i = 0; i < served_->loops; ++i) {
    const journal::Lsn mark = marks_[i].load();
    if (mark != 0) lsn = std::min(lsn, mark);
  }
  return lsn;
}

Result<journal::Lsn> SessionStore::checkpoint() {
  CHECK(journal_ != nullptr);
  std::lock_guard writing(writing_);
  if (!served_) return journal::Lsn{0};  // nobody has the sessions yet: the journal keeps everything
  const journal::Lsn lsn = needed_from();
  TRY(wills_.checkpoint(store_));  // first: rows of sessions before version 3 have wills in them
  TRY(write_changed());
  TRY(erase_forgotten());
  TRY(store_.sync());
  return lsn;
}

Result<void> SessionStore::write_changed() {
  std::vector<std::shared_ptr<Session>> sessions;
  served_->registry.each([&](const std::shared_ptr<Session>& session) { sessions.push_back(session); });
  Group group;
  size_t bytes = 0;
  for (auto& session : sessions) {
    SessionSnapshot snapshot;
    if (!session->durable() || !session->take_snapshot(snapshot)) continue;
    bytes += bytes_of(snapshot);
    group.emplace_back(std::move(session), std::move(snapshot));
    if (group.size() < kGroupSessions && bytes < kGroupBytes) continue;
    TRY(write_group(group));
    bytes = 0;
  }
  return write_group(group);
}

// Messages first, in portions: without their session's row they mean nothing. Then, in one batch a group, what makes them count.
Result<void> SessionStore::write_group(Group& group) {
  if (group.empty()) return {};
  const auto write = [&]() -> Result<void> {
    journal::Lsn as_of = 0;
    for (const auto& [session, snapshot] : group) as_of = std::max(as_of, snapshot.row.as_of);
    // What a power cut takes from the journal must not be in the store: it was not acknowledged, and will be sent again.
    if (as_of > journal_->durable()) TRY(journal_->wait_durable(as_of));
    kv::WriteBatch last;
    for (const auto& [session, snapshot] : group) TRY(write_rows(snapshot, last));
    return last.empty() ? Result<void>() : store_.write(last, kv::Durability::kBuffered);
  };
  auto written = write();
  for (const auto& [session, snapshot] : group) session->snapshot_written(snapshot, written.has_value());
  group.clear();
  failing_.store(!written.has_value(), std::memory_order_relaxed);
  return written;
}

Result<void> SessionStore::write_rows(const SessionSnapshot& snapshot, kv::WriteBatch& last) {
  kv::WriteBatch batch;
  size_t bytes = 0;
  for (const auto& [sequence, row] : snapshot.messages) {
    batch.put(message_key(snapshot.number, sequence), encode_message_row(row.message, row.qos, row.retain, row.subscription_ids));
    bytes += row.message->bytes() + 64;
    if (bytes < kBatchBytes) continue;
    TRY(store_.write(batch, kv::Durability::kBuffered));
    batch.clear();
    bytes = 0;
  }
  if (!batch.empty()) TRY(store_.write(batch, kv::Durability::kBuffered));
  for (const uint64_t sequence : snapshot.erased) last.erase(message_key(snapshot.number, sequence));
  if (!snapshot.durable) return {};
  for (const auto& [filter, options] : snapshot.filters) {
    const std::string key = subscription_key(snapshot.number, filter);
    if (options) {
      last.put(key, encode_subscription_row(*options));
    } else {
      last.erase(key);
    }
  }
  last.put(session_key(snapshot.number), encode_session_row(snapshot.row));
  return {};
}

Result<void> SessionStore::erase_forgotten() {
  std::vector<uint64_t> numbers;
  {
    std::lock_guard lock(requests_mutex_);
    numbers.swap(forgotten_);
  }
  if (numbers.empty()) return {};
  kv::WriteBatch batch;
  for (const uint64_t number : numbers) {
    batch.erase(session_key(number));
    batch.erase_range(first_key(SessionRowKind::kSubscription, number), first_key(SessionRowKind::kSubscription, number + 1));
    batch.erase_range(first_key(SessionRowKind::kMessage, number), first_key(SessionRowKind::kMessage, number + 1));
  }
  // The end is in the journal before the rows go: half a session must not come back.
  auto erased = journal_->wait_durable(journal_->end());
  if (erased) erased = store_.write(batch, kv::Durability::kBuffered);
  if (!erased) {
    std::lock_guard lock(requests_mutex_);
    forgotten_.insert(forgotten_.end(), numbers.begin(), numbers.end());
  }
  return erased;
}

// From those with most in memory down, until a fifth of the budget is free.
void SessionStore::spill() {
  const SessionEnvironment& environment = served_->environment;
  const size_t budget = environment.options.queue_memory_bytes_max;
  if (environment.memory_bytes.load() <= budget) return;
  std::vector<std::pair<size_t, std::shared_ptr<Session>>> by_size;
  served_->registry.each([&](const std::shared_ptr<Session>& session) {
    if (const size_t bytes = session->memory_bytes(); bytes > 0) by_size.emplace_back(bytes, session);
  });
  std::ranges::sort(by_size, [](const auto& a, const auto& b) { return a.first > b.first; });
  Group group;
  size_t bytes = 0;
  const auto write = [&] {
    std::vector<std::shared_ptr<Session>> sessions;
    for (const auto& entry : group) sessions.push_back(entry.first);
    const bool failed_before = failing();
    if (const auto written = write_group(group); !written) {
      if (!failed_before) log::error("queued messages could not be moved to disk: {}; they stay in memory", written.error().message);
      return false;
    }
    for (const auto& session : sessions) session->release_memory();
    bytes = 0;
    return environment.memory_bytes.load() > budget / 5 * 4;
  };
  for (auto& [size, session] : by_size) {
    SessionSnapshot snapshot;
    if (!session->take_snapshot(snapshot)) {
      session->release_memory();  // everything is there already
      continue;
    }
    bytes += bytes_of(snapshot);
    group.emplace_back(std::move(session), std::move(snapshot));
    if (bytes >= kGroupBytes && !write()) return;
  }
  write();
}

void SessionStore::serve_request(const std::shared_ptr<Session>& session) {
  if (!load_portion(session)) request(session);  // in a second, by when the disk may have recovered
  if (!session->wants_rows_erased()) return;
  Group group(1);
  group.front().first = session;
  if (!session->take_snapshot(group.front().second)) return;
  if (const auto written = write_group(group); !written) log::warning("rows of '{:.80}': {}", session->client_id(), written.error().message);
}

// False where the store could not be read.
bool SessionStore::load_portion(const std::shared_ptr<Session>& session) {
  const auto wanted = session->load_wanted();
  if (!wanted) return true;
  std::vector<LoadedMessage> portion;
  size_t bytes = 0;
  Result<void> read;
  const std::string first = message_key(wanted->number, wanted->first);
  const auto rows = store_.iterate(first, message_key(wanted->number, wanted->end));
  for (rows->seek(first); rows->valid() && portion.size() < kPortionMessages && bytes < kPortionBytes; rows->next()) {
    const auto key = parse_key(rows->key());
    auto row = decode_message_row(rows->value());
    if (!row) {
      log::error("a message for '{:.80}' is lost: {}", session->client_id(), row.error().message);
      traffic_.drop(DropReason::kStoreFailed);
      portion.push_back({.sequence = key ? key->sequence() : 0});
      continue;
    }
    bytes += row->message->bytes();
    portion.push_back({.sequence = key->sequence(), .row = std::move(*row)});
  }
  if (const auto status = rows->status(); !status) {
    log::error("messages for '{:.80}' could not be read: {}", session->client_id(), status.error().message);
    failing_.store(true, std::memory_order_relaxed);
    return false;
  }
  failing_.store(false, std::memory_order_relaxed);
  const bool at_end = !rows->valid();
  const int loop = session->loaded(std::move(portion), at_end, served_->clock.now_ns(), traffic_);
  if (loop >= 0) served_->wake(loop, session);
  return true;
}

void SessionStore::drop_old() {
  const int64_t steady_ns = served_->clock.steady_ns();
  if (steady_ns - last_look_ns_ < kLookForOldNs) return;
  last_look_ns_ = steady_ns;
  const int64_t now_ns = served_->clock.now_ns();
  served_->registry.each([&](const std::shared_ptr<Session>& session) { session->drop_old(now_ns, traffic_); });
}

}  // namespace campanile::broker
