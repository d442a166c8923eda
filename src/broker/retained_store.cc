#include "broker/retained_store.h"

#include <mutex>

#include "base/check.h"
#include "broker/retained_record.h"

namespace campanile::broker {
namespace {

constexpr char kPrefix = 'R';
constexpr size_t kBatchBytes = 4u << 20;

std::string key_of(std::string_view topic) {
  std::string key(1, kPrefix);
  key.append(topic);
  return key;
}

}  // namespace

Result<std::unique_ptr<RetainedStore>> RetainedStore::load(kv::Store& store, const BrokerOptions& options) {
  std::unique_ptr<RetainedStore> retained(new RetainedStore(store, options));
  const auto found = store.iterate(std::string(1, kPrefix), std::string(1, kPrefix + 1));
  for (found->seek(std::string(1, kPrefix)); found->valid(); found->next()) {
    auto record = decode_retained(found->value());
    if (!record) return with_context(std::move(record).error(), fmt::format("the retained message of '{:.200}'", found->key().substr(1)));
    if (record->message) retained->apply(record->topic, std::move(record->message));
  }
  TRY(found->status());
  retained->dirty_.clear();
  return retained;
}

void RetainedStore::apply(std::string_view topic, MessagePtr message) {
  place(topic, std::move(message));
  dirty_.emplace(topic);
}

void RetainedStore::place(std::string_view topic, MessagePtr message) {
  const size_t added = message ? message->bytes() : 0;
  const MessagePtr former = message ? tree_.set(std::move(message)) : tree_.erase(topic);
  bytes_.store(bytes_.load() + added - (former ? former->bytes() : 0));
  size_.store(tree_.size());
}

Result<journal::Lsn> RetainedStore::set(Publication& publication) {
  CHECK(journal_ != nullptr);
  return set(publication, [this](std::span<const journal::NewRecord> records) {
    return records.empty() ? Result<journal::Lsn>(0) : journal_->append_together(records);
  });
}

Result<journal::Lsn> RetainedStore::set(Publication& publication, const journal::AppendFunction& append) {
  const auto append_one = [&](std::string_view head, std::string_view tail) {
    const journal::NewRecord record{.type = journal::RecordType::kRetained, .head = head, .tail = tail};
    return append({&record, 1});
  };
  const bool clears = publication.payload.empty();
  std::unique_lock lock(mutex_);
  if (is_own_topic(publication.topic)) {
    const journal::Lsn lsn = TRY(append({}));
    place(publication.topic, clears ? nullptr : publication.keep());
    return lsn;
  }
  const MessagePtr former = tree_.get(publication.topic);
  if (clears) {
    if (!former) return append({});
    const journal::Lsn lsn = TRY(append_one(encode_retained_clear(publication.topic), {}));
    apply(publication.topic, nullptr);
    return lsn;
  }
  if (!former && tree_.size() >= options_.retained_messages_max) {
    return fail(ErrorCode::kTooLarge, "{} retained messages are kept, as many as allowed", tree_.size());
  }
  const size_t bytes_after = bytes_.load() + publication.bytes() - (former ? former->bytes() : 0);
  if (bytes_after > options_.retained_bytes_max) {
    return fail(ErrorCode::kTooLarge, "retained messages would take {} bytes; {} are allowed", bytes_after, options_.retained_bytes_max);
  }
  const MessagePtr& message = publication.keep();
  const journal::Lsn lsn = TRY(append_one(encode_retained_head(*message), message->payload));
  apply(message->topic, message);
  return lsn;
}

MessagePtr RetainedStore::get(std::string_view topic) const {
  std::shared_lock lock(mutex_);
  return tree_.get(topic);
}

void RetainedStore::collect(std::string_view filter, std::string_view after, size_t count_max, int64_t now_ns,
                            std::vector<MessagePtr>& out) const {
  std::shared_lock lock(mutex_);
  tree_.collect(filter, after, count_max, now_ns, out);
}

Result<void> RetainedStore::replay(const journal::Record& record) {
  RetainedRecord found = TRY(decode_retained(record.payload));
  apply(found.topic, std::move(found.message));
  return {};
}

Result<journal::Lsn> RetainedStore::checkpoint() {
  CHECK(journal_ != nullptr);
  journal::Lsn lsn = 0;
  std::vector<std::pair<std::string, MessagePtr>> changes;
  {
    // set() appends under this lock: what the journal holds now is in the tree.
    std::unique_lock lock(mutex_);
    lsn = journal_->end();
    changes.reserve(dirty_.size());
    for (const std::string& topic : dirty_) changes.emplace_back(topic, tree_.get(topic));
    dirty_.clear();
  }
  Result<void> written = write(changes);
  if (!written) {
    std::unique_lock lock(mutex_);
    for (auto& [topic, message] : changes) dirty_.insert(std::move(topic));
    return propagate(std::move(written).error());
  }
  return lsn;
}

Result<void> RetainedStore::write(const std::vector<std::pair<std::string, MessagePtr>>& changes) {
  kv::WriteBatch batch;
  size_t bytes = 0;
  for (const auto& [topic, message] : changes) {
    if (message) {
      std::string value = encode_retained_head(*message);
      value.append(message->payload);
      bytes += value.size();
      batch.put(key_of(topic), value);
    } else {
      batch.erase(key_of(topic));
    }
    bytes += topic.size() + 32;
    if (bytes >= kBatchBytes) {
      TRY(store_.write(batch, kv::Durability::kBuffered));
      batch.clear();
      bytes = 0;
    }
  }
  if (!batch.empty()) TRY(store_.write(batch, kv::Durability::kBuffered));
  return changes.empty() ? Result<void>() : store_.sync();
}

}  // namespace campanile::broker
