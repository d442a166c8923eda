#include "broker/away_list.h"

#include <algorithm>

#include "broker/session.h"

namespace campanile::broker {

AwayList::ByTime::iterator AwayList::erase(ByTime::iterator place) {
  places_.erase(place->second.key);
  return by_time_.erase(place);
}

void AwayList::add(int64_t deadline_ns, Entry entry) {
  const Key key{entry.session.lock().get(), entry.due};
  std::lock_guard lock(mutex_);
  if (const auto found = places_.find(key); found != places_.end()) erase(found->second);
  places_[key] = by_time_.emplace(deadline_ns, Kept{key, std::move(entry)});
  if (by_time_.size() < prune_at_) return;
  for (auto place = by_time_.begin(); place != by_time_.end();) {
    place = place->second.entry.session.expired() ? erase(place) : std::next(place);
  }
  prune_at_ = std::max<size_t>(1024, by_time_.size() * 2);
}

std::vector<AwayList::Entry> AwayList::take_due(int64_t now_ns) {
  std::vector<Entry> due;
  std::lock_guard lock(mutex_);
  while (!by_time_.empty() && by_time_.begin()->first <= now_ns) {
    due.push_back(std::move(by_time_.begin()->second.entry));
    erase(by_time_.begin());
  }
  return due;
}

size_t AwayList::size() const {
  std::lock_guard lock(mutex_);
  return by_time_.size();
}

}  // namespace campanile::broker
