#include "broker/in_flight.h"

#include "base/check.h"

namespace campanile::broker {

namespace {
constexpr size_t kIdentifiers = 65'535;  // 1 to 65535 [MQTT-2.2.1-3]
}

uint16_t InFlight::id_at(size_t offset) const { return static_cast<uint16_t>((first_id_ - 1 + offset) % kIdentifiers + 1); }

uint16_t InFlight::add(OutgoingMessage out) {
  CHECK(!full());
  if (span_ == ring_.size()) grow();
  const bool resent_all = !resending();
  const uint16_t id = id_at(span_);
  at(span_) = {.out = std::move(out), .stage = Stage::kSent, .on_link = true};
  ++span_;
  ++live_;
  ++on_link_;
  CHECK(resent_all);  // or a new message would overtake an old one
  resend_ = span_;
  return id;
}

bool InFlight::restore(uint16_t id, OutgoingMessage out, Stage stage) {
  if (id == 0) return false;
  if (span_ == 0) first_id_ = id;
  const size_t offset = (id + kIdentifiers - first_id_) % kIdentifiers;
  if (offset < span_ || offset >= kSpanMax) return false;
  while (ring_.size() <= offset) grow();
  at(offset) = {.out = std::move(out), .stage = stage, .on_link = false};
  span_ = offset + 1;
  ++live_;
  return true;
}

InFlight::Entry* InFlight::find(uint16_t id) {
  if (id == 0) return nullptr;
  const size_t offset = (id + kIdentifiers - first_id_) % kIdentifiers;
  if (offset >= span_) return nullptr;
  Entry& entry = at(offset);
  return entry.stage == Stage::kDone ? nullptr : &entry;
}

void InFlight::finish(uint16_t id) {
  Entry* entry = find(id);
  CHECK(entry != nullptr);
  if (entry->on_link) --on_link_;
  *entry = {};
  --live_;
  while (span_ > 0 && at(0).stage == Stage::kDone) {
    head_ = (head_ + 1) & (ring_.size() - 1);
    first_id_ = id_at(1);
    --span_;
    if (resend_ > 0) --resend_;
  }
}

void InFlight::lose_link() {
  for (size_t i = 0; i < span_; ++i) at(i).on_link = false;
  on_link_ = 0;
  resend_ = 0;
}

InFlight::Entry* InFlight::resend(uint16_t& id) {
  for (; resend_ < span_; ++resend_) {
    Entry& entry = at(resend_);
    if (entry.stage == Stage::kDone || entry.on_link) continue;
    id = id_at(resend_);
    ++resend_;
    entry.on_link = true;
    ++on_link_;
    return &entry;
  }
  return nullptr;
}

void InFlight::grow() {
  std::vector<Entry> larger(ring_.empty() ? 8 : ring_.size() * 2);
  for (size_t i = 0; i < span_; ++i) larger[i] = std::move(at(i));
  ring_ = std::move(larger);
  head_ = 0;
}

}  // namespace campanile::broker
