#include "broker/session_registry.h"

#include <algorithm>

namespace campanile::broker {

SessionRegistry::Shard& SessionRegistry::shard_of(std::string_view client_id) {
  return shards_[TextHash()(client_id) % shards_.size()];
}

const SessionRegistry::Shard& SessionRegistry::shard_of(std::string_view client_id) const {
  return shards_[TextHash()(client_id) % shards_.size()];
}

SessionRegistry::Opened SessionRegistry::open(std::string_view client_id, bool clean_start, const std::shared_ptr<Link>& link,
                                              const LinkTerms& terms, const std::shared_ptr<Will>& will, int64_t now_ns, Traffic& traffic) {
  Shard& shard = shard_of(client_id);
  bool fresh = clean_start;
  journal::Lsn ended_lsn = 0;
  std::vector<uint64_t> wills;
  for (;;) {
    Opened result;
    std::shared_ptr<Session> replaced;
    {
      std::lock_guard lock(shard.mutex);
      const auto found = shard.sessions.find(client_id);
      result.present = found != shard.sessions.end() && !fresh;
      if (result.present) {
        result.session = *found;
      } else {
        const bool is_new = found == shard.sessions.end();
        if (is_new && size_.load() >= sessions_max_) return {.wills = std::move(wills)};
        result.session = std::make_shared<Session>(std::string(client_id), environment_, terms.expiry_s > 0);
        if (is_new) {
          ++size_;
        } else {
          replaced = *found;
          shard.sessions.erase(found);
        }
        shard.sessions.insert(result.session);
      }
    }
    if (replaced) {
      Session::Ended ended = replaced->end(traffic);
      ended_lsn = std::max(ended_lsn, ended.lsn);
      if (const uint64_t due = std::exchange(ended.will, 0); due != 0) wills.push_back(due);
      if (ended.by_this_call) on_ended_(*replaced, std::move(ended));
    }
    Session::Attached attached = result.session->attach(link, terms, will, now_ns, traffic);
    if (attached.error) {
      if (!result.present) remove(*result.session);
      return {.wills = std::move(wills), .error = std::move(attached.error)};
    }
    if (attached.done) {
      result.former = std::move(attached.former);
      if (attached.will != 0) wills.push_back(attached.will);
      result.wills = std::move(wills);
      result.lsn = std::max(attached.lsn, ended_lsn);
      return result;
    }
    // It has ended, or must end because its connection leaves nothing behind: the next round replaces it.
    fresh = true;
  }
}

void SessionRegistry::restore(std::shared_ptr<Session> session) {
  Shard& shard = shard_of(session->client_id());
  std::lock_guard lock(shard.mutex);
  shard.sessions.insert(std::move(session));
  ++size_;
}

void SessionRegistry::remove(const Session& session) {
  Shard& shard = shard_of(session.client_id());
  std::lock_guard lock(shard.mutex);
  const auto found = shard.sessions.find(session.client_id());
  if (found == shard.sessions.end() || found->get() != &session) return;
  shard.sessions.erase(found);
  --size_;
}

std::shared_ptr<Session> SessionRegistry::find(std::string_view client_id) const {
  const Shard& shard = shard_of(client_id);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.sessions.find(client_id);
  return found == shard.sessions.end() ? nullptr : *found;
}

void SessionRegistry::each(const Visit& visit) const {
  std::vector<std::shared_ptr<Session>> sessions;
  for (const Shard& shard : shards_) {
    {
      std::lock_guard lock(shard.mutex);
      sessions.assign(shard.sessions.begin(), shard.sessions.end());
    }
    for (const auto& session : sessions) visit(session);
  }
}

}  // namespace campanile::broker
