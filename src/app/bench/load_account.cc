#include "app/bench/load_account.h"

namespace campanile::app::bench {
namespace {

struct Published {
  uint64_t sent = 0;
  std::unordered_set<uint64_t> not_taken;  // refused, or without an answer
};

std::vector<Published> published_by_all(const LoadPlan& plan, std::span<const std::unique_ptr<LoadThread>> threads, uint64_t& unacknowledged) {
  std::vector<Published> all(plan.options.publishers);
  for (const auto& thread : threads) {
    for (const auto& connection : thread->connections()) {
      if (!connection->publisher) continue;
      const PublisherState& publisher = *connection->publisher;
      Published& published = all[publisher.number];
      published.sent = publisher.next_sequence;
      published.not_taken = publisher.refused;
      for (const PublisherState::Slot& slot : publisher.slots) {
        if (!slot.in_use) continue;
        published.not_taken.insert(slot.sequence);
        ++unacknowledged;
      }
    }
  }
  return all;
}

std::vector<const LoadConnection*> remaining_subscribers(std::span<const std::unique_ptr<LoadThread>> threads) {
  std::vector<const LoadConnection*> out;
  for (const auto& thread : threads) {
    for (const auto& connection : thread->connections()) {
      if (connection->role == Role::kSubscriber && connection->state == LinkState::kUp) out.push_back(connection.get());
    }
  }
  return out;
}

}  // namespace

void settle(const LoadPlan& plan, std::span<const std::unique_ptr<LoadThread>> threads, LoadReport& report) {
  const std::vector<Published> published = published_by_all(plan, threads, report.unacknowledged);
  const std::vector<const LoadConnection*> subscribers = remaining_subscribers(threads);
  if (subscribers.empty() || published.empty()) return;

  uint64_t missing = 0;
  if (subscribers[0]->tracker) {
    for (const LoadConnection* subscriber : subscribers) {
      missing += subscriber->tracker->forgotten();
      for (uint32_t publisher = 0; publisher < published.size(); ++publisher) {
        const Published& its = published[publisher];
        subscriber->tracker->each_missing(publisher, its.sent, [&](uint64_t sequence) { missing += its.not_taken.contains(sequence) ? 0 : 1; });
      }
    }
  } else if (plan.all_matched) {
    const uint64_t taken = plan.options.qos > 0 ? report.acknowledged_total : report.sent_total;
    if (plan.is_shared) {
      missing = taken > report.delivered_total ? taken - report.delivered_total : 0;
    } else {
      for (const LoadConnection* subscriber : subscribers) missing += taken > subscriber->delivered ? taken - subscriber->delivered : 0;
    }
  } else {
    return;
  }
  (plan.options.qos > 0 ? report.lost : report.undelivered) = missing;
}

}  // namespace campanile::app::bench
