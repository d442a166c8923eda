#include "kv/salvage.h"

#include <array>
#include <optional>

namespace campanile::kv {
namespace {

// Keys as numbers below one: as many bytes behind the point as tell nearly any two of ours apart. Longer ones differ in the names of measurements, and none in
// zeros at their ends alone.
constexpr size_t kBytes = 64;
using Fraction = std::array<uint8_t, kBytes>;

Fraction fraction_of(std::string_view key) {
  Fraction out{};
  for (size_t i = 0; i < std::min(kBytes, key.size()); ++i) out[i] = static_cast<uint8_t>(key[i]);
  return out;
}

// Half-way between, rounded down.
Fraction middle(const Fraction& low, const Fraction& high) {
  Fraction sum{};
  unsigned carry = 0;
  for (size_t i = kBytes; i > 0; --i) {
    carry += unsigned{low[i - 1]} + unsigned{high[i - 1]};
    sum[i - 1] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  for (uint8_t& byte : sum) {
    const unsigned whole = carry << 8 | byte;
    byte = static_cast<uint8_t>(whole >> 1);
    carry = whole & 1;
  }
  return sum;
}

std::string key_of(const Fraction& fraction) { return {fraction.begin(), fraction.end()}; }

bool is_readable_from(const Store& store, const std::string& key) {
  const auto at = store.iterate(key, "");
  return at->valid() || at->status().has_value();
}

// The least key behind `after` from which reading works; nothing where it does not even from the last one on.
std::optional<std::string> next_readable(const Store& store, std::string_view after) {
  Fraction low = fraction_of(after);
  Fraction high;
  high.fill(0xff);
  if (!is_readable_from(store, key_of(high))) return std::nullopt;
  for (Fraction half = middle(low, high); half != low; half = middle(low, high)) (is_readable_from(store, key_of(half)) ? high : low) = half;
  return key_of(high);
}

}  // namespace

std::vector<UnreadableRange> salvage(const Store& store, const RowVisitor& visit) {
  std::vector<UnreadableRange> lost;
  std::string last;
  for (std::optional<std::string> from = ""; from;) {
    const auto rows = store.iterate(*from, "");
    if (!lost.empty() && rows->valid()) lost.back().before = rows->key();
    for (; rows->valid(); rows->next()) {
      visit(rows->key(), rows->value());
      last = rows->key();
    }
    const auto status = rows->status();
    if (status) break;
    lost.push_back({.after = last, .before = {}, .why = status.error().message});
    from = next_readable(store, std::max(last, *from));
  }
  return lost;
}

}  // namespace campanile::kv
