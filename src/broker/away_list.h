// AwayList: sessions whose client is away and for which something is due later: the will's delay, or the session's end.
//
//   away.add(deadline_ns, {.session = session, .epoch = epoch, .due = AwayList::Due::kSessionEnd});
//   for (AwayList::Entry& entry : away.take_due(now_ns)) ...
//
// A client that comes back is not taken out: the session's epoch has changed by then and the entry does nothing.
// Threads: any, under its own lock (a leaf). Limit: two entries a session; those of sessions that have gone are dropped whenever
// the list has doubled.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

namespace campanile::broker {

class Session;

class AwayList {
 public:
  enum class Due : uint8_t { kWill, kSessionEnd };
  struct Entry {
    std::weak_ptr<Session> session;
    uint32_t epoch = 0;
    Due due = Due::kWill;
  };

  // Replaces the session's former entry of that kind.
  void add(int64_t deadline_ns, Entry entry);
  std::vector<Entry> take_due(int64_t now_ns);
  size_t size() const;

 private:
  // By address: should another session come to lie there, what it replaces belongs to one that has gone.
  using Key = std::pair<const Session*, Due>;
  struct Kept {
    Key key;
    Entry entry;
  };
  using ByTime = std::multimap<int64_t, Kept>;
  ByTime::iterator erase(ByTime::iterator place);

  mutable std::mutex mutex_;
  ByTime by_time_;
  absl::flat_hash_map<Key, ByTime::iterator> places_;
  size_t prune_at_ = 1024;
};

}  // namespace campanile::broker
