// SessionRegistry: the session of each client identifier.
//
//   auto opened = registry.open("neosensor-17", clean_start, link, terms, now_ns, traffic);
//
// Threads: any. Sixteen shards with a lock each, so that loops that accept many clients at once do not wait for each other.
// Lock order: a shard's lock is never held while a session's is taken. Limit: options.sessions_max.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "broker/session.h"
#include "broker/string_map.h"

namespace campanile::broker {

class SessionRegistry {
 public:
  // What remains to be done for a session that a new connection replaced: wills, links and subscriptions are the broker's.
  using OnEnded = std::function<void(Session& session, Session::Ended ended)>;

  SessionRegistry(SessionEnvironment& environment, size_t sessions_max, OnEnded on_ended)
      : environment_(environment), sessions_max_(sessions_max), on_ended_(std::move(on_ended)) {}

  struct Opened {
    std::shared_ptr<Session> session;  // null: sessions_max is reached, or there is an error
    bool present = false;              // [MQTT-3.2.2-2, 3.2.2-3]
    std::shared_ptr<Link> former;      // of the same session; to be told that it was taken over
    std::vector<uint64_t> wills;       // of what was there before; to be published, also where there is an error
    journal::Lsn lsn = 0;              // CONNACK waits for it
    std::optional<Error> error;        // the journal's: the session could not be recorded
  };
  // Finds or makes the session and attaches the link. With `clean_start` what was there is ended first [MQTT-3.1.2-4].
  Opened open(std::string_view client_id, bool clean_start, const std::shared_ptr<Link>& link, const LinkTerms& terms,
              const std::shared_ptr<Will>& will, int64_t now_ns, Traffic& traffic);
  // Puts back what was kept through a restart. REQUIRES: before any open(), once a client identifier.
  void restore(std::shared_ptr<Session> session);
  // Forgets the session, if the client identifier is still its own.
  void remove(const Session& session);
  std::shared_ptr<Session> find(std::string_view client_id) const;
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  using Visit = std::function<void(const std::shared_ptr<Session>&)>;
  // Copies a shard's sessions under its lock and calls `visit` without.
  void each(const Visit& visit) const;

 private:
  static constexpr size_t kShards = 16;
  // By client identifier, which is the session's own: an idle connection should not pay for a second copy.
  struct Identity {
    using is_transparent = void;
    static std::string_view of(std::string_view client_id) { return client_id; }
    static std::string_view of(const std::shared_ptr<Session>& session) { return session->client_id(); }
    size_t operator()(const auto& key) const { return TextHash()(of(key)); }
    bool operator()(const auto& a, const auto& b) const { return of(a) == of(b); }
  };
  struct Shard {
    mutable std::mutex mutex;
    absl::flat_hash_set<std::shared_ptr<Session>, Identity, Identity> sessions;
  };
  Shard& shard_of(std::string_view client_id);
  const Shard& shard_of(std::string_view client_id) const;

  SessionEnvironment& environment_;
  const size_t sessions_max_;
  const OnEnded on_ended_;
  std::array<Shard, kShards> shards_;
  std::atomic<size_t> size_{0};
};

}  // namespace campanile::broker
