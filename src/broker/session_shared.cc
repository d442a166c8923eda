// What a member of a shared subscription leaves to the others when its session ends [section 4.8.2].
#include <algorithm>

#include "broker/session.h"
#include "broker/session_waiting.h"
#include "mqtt/topic.h"

namespace campanile::broker {
namespace {

// Every message is compared with every filter, under the lock: a session with more filters leaves nothing.
constexpr size_t kFiltersMax = 64;

}  // namespace

// Which subscription a message was for is not kept with it, but follows from its topic. Where an ordinary subscription of the session
// matches too it may have been for that one, and is not passed on. What lies on disk alone is not read for this.
std::vector<Session::Unfinished> Session::unfinished() const {
  if (!filters_ || filters_->size() > kFiltersMax) return {};
  struct Shared {
    std::string_view text;
    std::string_view filter;
  };
  std::vector<Shared> shared;
  std::vector<std::string_view> ordinary;
  for (const auto& [text, options] : *filters_) {
    const auto parts = mqtt::parse_shared(text);
    if (parts) {
      shared.push_back({text, parts->filter});
    } else {
      ordinary.push_back(text);
    }
  }
  std::vector<Unfinished> found;
  // A message that several groups of the session had comes several times: the next copy is for the next group.
  absl::flat_hash_map<const Message*, size_t> copies;
  const auto add = [&](const MessagePtr& message) {
    const std::string_view topic = message->topic;
    if (std::ranges::any_of(ordinary, [&](std::string_view filter) { return mqtt::topic_matches(filter, topic); })) return;
    size_t skip = copies[message.get()]++;
    for (const Shared& one : shared) {
      if (!mqtt::topic_matches(one.filter, topic) || skip-- > 0) continue;
      found.push_back({.filter = std::string(one.text), .message = message});
      return;
    }
  };
  waiting_->in_flight.each([&](uint16_t, const InFlight::Entry& entry) {
    if (entry.out.qos == 1 && entry.out.message) add(entry.out.message);
  });
  waiting_->each_queued([&](const OutgoingMessage& out) {
    if (out.message && out.recorded) add(out.message);
  });
  return found;
}

}  // namespace campanile::broker
