// DeliveryBatch: the messages of one portion of input, on their way to the sessions that get them. Handing them out session by session
// takes each session's lock once for the whole portion: with fifty publishers and one subscriber on two loops, a lock for each
// message is what everybody waits for.
//
//   batch.begin(publication, result);         // result: keeps targets and sessions alive
//   batch.add(target);                        // any number of them
//   batch.hand_out([&](Session& session, std::span<const Delivery> deliveries) { ... });   // and is empty again
//
// The order of messages within a session stays that of begin(). Threads: one loop's. Ownership: the publications' bytes are the
// caller's until hand_out() (Publication::stays). Limit: full() after kMessagesMax messages or kDeliveriesMax deliveries.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "broker/message.h"
#include "broker/subscription_tree.h"

namespace campanile::broker {

struct Delivery {
  const MatchTarget* target = nullptr;
  Publication* publication = nullptr;
};

class DeliveryBatch {
 public:
  static constexpr size_t kMessagesMax = 256;
  static constexpr size_t kDeliveriesMax = 4096;

  DeliveryBatch() { publications_.reserve(kMessagesMax); }

  bool empty() const { return publications_.empty(); }
  bool full() const { return publications_.size() >= kMessagesMax || deliveries_.size() >= kDeliveriesMax; }

  // REQUIRES: !full().
  void begin(const Publication& publication, std::shared_ptr<const MatchResult> result) {
    publications_.push_back(publication);
    results_.push_back(std::move(result));
  }
  void add(const MatchTarget& target) {
    mixed_ = mixed_ || (!deliveries_.empty() && deliveries_.back().target->session != target.session);
    deliveries_.push_back({&target, &publications_.back()});
  }

  template <typename HandOver>
  void hand_out(HandOver hand_over) {
    if (mixed_ && publications_.size() > 1) {
      std::ranges::stable_sort(deliveries_, {}, [](const Delivery& delivery) { return delivery.target->session.get(); });
    }
    for (size_t from = 0; from < deliveries_.size();) {
      const std::shared_ptr<Session>& session = deliveries_[from].target->session;
      size_t to = from + 1;
      while (to < deliveries_.size() && deliveries_[to].target->session == session) ++to;
      hand_over(session, std::span<const Delivery>(deliveries_).subspan(from, to - from));
      from = to;
    }
    deliveries_.clear();
    publications_.clear();
    results_.clear();
    mixed_ = false;
  }

 private:
  std::vector<Publication> publications_;  // never grows beyond what it reserved: deliveries point into it
  std::vector<std::shared_ptr<const MatchResult>> results_;
  std::vector<Delivery> deliveries_;
  bool mixed_ = false;  // for more than one session
};

}  // namespace campanile::broker
