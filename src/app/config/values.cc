// How the text of one setting becomes its value and back; settings.h declares it.

#include <algorithm>
#include <array>
#include <limits>

#include "app/config/settings.h"
#include "base/check.h"
#include "base/text.h"

namespace campanile::app {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array kByteUnits{
    Unit{"TiB", kGiB * 1024}, Unit{"GiB", kGiB},          Unit{"MiB", kMiB},       Unit{"KiB", kKiB},  Unit{"TB", 1'000'000'000'000},
    Unit{"GB", 1'000'000'000}, Unit{"MB", 1'000'000},     Unit{"kB", 1'000},       Unit{"B", 1},
};
constexpr std::array kSecondUnits{Unit{"d", 86'400}, Unit{"h", 3'600}, Unit{"m", 60}, Unit{"s", 1}};
constexpr std::array kMillisecondUnits{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                       Unit{"ms", 1}};

std::span<const Unit> units_of(Kind kind) {
  switch (kind) {
    case Kind::kBytes: return kByteUnits;
    case Kind::kSeconds: return kSecondUnits;
    case Kind::kMilliseconds: return kMillisecondUnits;
    default: return {};
  }
}

// "64 MiB" with the units given; a number alone is in the smallest one. Nothing where it is neither.
std::optional<uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const Result<uint64_t> number = parse_uint64(text.substr(0, digits));
  if (!number) return std::nullopt;
  const std::string_view name = trim(text.substr(digits));
  if (name.empty()) return *number;
  for (const Unit& unit : units) {
    if (!equals_ignore_case(unit.name, name)) continue;
    if (*number > std::numeric_limits<uint64_t>::max() / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

// The largest unit that leaves a whole number, among those that read back to the same value.
std::string format_quantity(uint64_t value, Kind kind) {
  if (value != 0) {
    for (const Unit& unit : units_of(kind)) {
      // Decimal sizes read back as well, but nobody means 65.536 kB.
      const bool decimal_bytes = kind == Kind::kBytes && unit.name.size() == 2;
      if (!decimal_bytes && value % unit.factor == 0 && unit.factor > 1) return fmt::format("{}{}", value / unit.factor, unit.name);
    }
  }
  return fmt::format("{}", value);
}

std::string join(std::span<const std::string_view> words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string range(const Setting& setting) { return "from " + limits(setting); }

Result<void> refuse(const Setting& setting, std::string_view text) {
  // What was meant to be secret is not repeated in a message.
  if (setting.kind == Kind::kSecret) return fail(ErrorCode::kInvalidArgument, "allowed is {}", allowed_values(setting));
  return fail(ErrorCode::kInvalidArgument, "found '{}', allowed is {}", excerpt(text), allowed_values(setting));
}

Result<void> assign_choice(const Setting& setting, std::string_view text) {
  const Choice& choice = std::get<Choice>(setting.target);
  for (size_t i = 0; i < choice.words.size(); ++i) {
    if (choice.words[i] != text) continue;
    choice.set(i);
    return {};
  }
  const auto closest = closest_match(text, choice.words);
  if (!closest) return refuse(setting, text);
  return fail(ErrorCode::kInvalidArgument, "found '{}', allowed is {}; did you mean {}?", excerpt(text), allowed_values(setting),
              *closest);
}

}  // namespace

bool is_scalar(const Setting& setting) { return setting.kind < Kind::kTexts; }

Result<void> assign(const Setting& setting, std::string_view text) {
  CHECK(is_scalar(setting));
  switch (setting.kind) {
    case Kind::kText:
    case Kind::kSecret:
    case Kind::kPath:
      if (text.size() > setting.high || text.size() < setting.low || text.find('\0') != std::string_view::npos) {
        return refuse(setting, text);
      }
      *std::get<std::string*>(setting.target) = text;
      return {};
    case Kind::kAddress: {
      Result<net::Address> address = net::Address::parse(text);
      if (!address) {
        return fail(ErrorCode::kInvalidArgument, "found '{}', allowed is {} ({})", excerpt(text), allowed_values(setting),
                    address.error().message);
      }
      *std::get<net::Address*>(setting.target) = *std::move(address);
      return {};
    }
    case Kind::kFlag:
      if (text != "true" && text != "false") return refuse(setting, text);
      *std::get<bool*>(setting.target) = text == "true";
      return {};
    case Kind::kCount:
    case Kind::kBytes:
    case Kind::kSeconds:
    case Kind::kMilliseconds: {
      const auto value = parse_quantity(text, units_of(setting.kind));
      if (!value || *value < setting.low || *value > setting.high) return refuse(setting, text);
      *std::get<uint64_t*>(setting.target) = *value;
      return {};
    }
    case Kind::kChoice: return assign_choice(setting, text);
    case Kind::kTexts:
    case Kind::kTextPairs:
    case Kind::kRecords: break;
  }
  return {};
}

std::string format_value(const Setting& setting) {
  CHECK(is_scalar(setting));
  switch (setting.kind) {
    case Kind::kAddress: return std::get<net::Address*>(setting.target)->to_string();
    case Kind::kFlag: return *std::get<bool*>(setting.target) ? "true" : "false";
    case Kind::kChoice: {
      const Choice& choice = std::get<Choice>(setting.target);
      return std::string(choice.words[choice.get()]);
    }
    // A duration is a plain number, because its unit is in the setting's name.
    case Kind::kCount:
    case Kind::kSeconds:
    case Kind::kMilliseconds: return fmt::format("{}", *std::get<uint64_t*>(setting.target));
    case Kind::kBytes: return format_quantity(*std::get<uint64_t*>(setting.target), setting.kind);
    default: return *std::get<std::string*>(setting.target);
  }
}

std::string limits(const Setting& setting) {
  if (setting.kind < Kind::kCount || setting.kind > Kind::kMilliseconds) return {};
  return fmt::format("{} to {}", format_quantity(setting.low, setting.kind), format_quantity(setting.high, setting.kind));
}

std::string allowed_values(const Setting& setting) {
  switch (setting.kind) {
    case Kind::kText:
    case Kind::kSecret:
      return fmt::format("{} of {} to {} bytes", setting.kind == Kind::kSecret ? "a secret" : "a text", setting.low, setting.high);
    case Kind::kPath: return "a path";
    case Kind::kAddress: return "an address and a port such as 127.0.0.1:8086 or [::1]:8086, port 0 for any free one";
    case Kind::kFlag: return "true or false";
    case Kind::kCount: return fmt::format("a whole number {}", range(setting));
    case Kind::kBytes: return fmt::format("a size such as 64MiB, 64MB or a number of bytes, {}", range(setting));
    case Kind::kSeconds: return fmt::format("a time such as 10s, 5m, 2h or a number of seconds, {}", range(setting));
    case Kind::kMilliseconds: return fmt::format("a time such as 250ms, 10s or a number of milliseconds, {}", range(setting));
    case Kind::kChoice: return join(std::get<Choice>(setting.target).words);
    case Kind::kTexts: return "a list of texts such as [value_units]";
    case Kind::kTextPairs: return "a map such as {building: u4}";
    case Kind::kRecords: return "a list of maps";
  }
  return {};
}

}  // namespace campanile::app
