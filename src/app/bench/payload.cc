#include "app/bench/payload.h"

#include <cstring>

#include <fmt/format.h>

#include "base/random.h"

namespace campanile::app::bench {
namespace {

template <typename T>
T read_at(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <typename T>
void write_at(std::string& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

}  // namespace

std::optional<Stamp> read_stamp(std::string_view payload, uint32_t run_tag) {
  if (payload.size() < kStampBytes || read_at<uint32_t>(payload, 0) != run_tag) return std::nullopt;
  return Stamp{.publisher = read_at<uint32_t>(payload, 4), .sequence = read_at<uint64_t>(payload, 8), .sent_ns = read_at<int64_t>(payload, 16)};
}

PayloadMaker::PayloadMaker(PayloadKind kind, size_t bytes, std::string file, uint32_t run_tag)
    : kind_(kind), run_tag_(run_tag), bytes_(std::move(file)) {
  if (kind != PayloadKind::kRandom) return;
  // The same in every message but for the stamp: making new ones would cost more than sending them.
  Random random(run_tag);
  bytes_.resize(bytes);
  for (char& byte : bytes_) byte = static_cast<char>(random.next());
}

std::string_view PayloadMaker::make(const Stamp& stamp, uint32_t topic) {
  if (kind_ == PayloadKind::kCampus) {
    // 15 to 25 degrees; every message of a sensor differs from the one before.
    const double value = 15 + static_cast<double>((stamp.sequence * 31 + stamp.publisher) % 9973) / 997;
    bytes_.clear();
    fmt::format_to(std::back_inserter(bytes_), R"({{"value":{:.3f},"value_units":"celsius","subID":"24","unitID":"auto_{:04x}"}})", value, topic);
    return bytes_;
  }
  if (is_stamped()) {
    write_at(bytes_, 0, run_tag_);
    write_at(bytes_, 4, stamp.publisher);
    write_at(bytes_, 8, stamp.sequence);
    write_at(bytes_, 16, stamp.sent_ns);
  }
  return bytes_;
}

}  // namespace campanile::app::bench
