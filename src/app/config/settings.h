// Setting: one named value of the configuration, tied to the place in Config that holds it.
//
//   Config config;
//   for (const Setting& setting : settings_of(config)) fmt::print("{}: {}\n", setting.path, format_value(setting));
//   TRY(assign(*find_setting(settings, "http.connections_max"), "500"));
//
// settings_of() is the only list of settings. The YAML reader, the printer, the environment and the guide's table all walk it, so that a
// new setting is a member in config.h and a line in settings.cc.
// Threads and ownership: a Setting points into the Config it was made from and must not outlive it, nor a change of the list it belongs to.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config/config.h"
#include "base/result.h"

namespace campanile::app {

struct Setting;

// One of a few words; `set` and `get` speak in indexes of `words`.
struct Choice {
  std::vector<std::string_view> words;
  std::function<void(size_t)> set;
  std::function<size_t()> get;
};

// A list whose items are records with settings of their own.
struct RecordList {
  std::function<void()> clear;
  std::function<std::vector<Setting>()> append;                 // a new item's settings; valid until the next append
  std::function<std::vector<std::vector<Setting>>()> items;
  std::function<Result<void>()> check;                          // whether the last item makes sense as a whole
};

// The kinds before kTexts are one text each; is_scalar() counts on the order.
enum class Kind {
  kText,
  kSecret,        // text that is never printed
  kPath,
  kAddress,       // ADDRESS:PORT
  kFlag,          // true or false
  kCount,
  kBytes,         // 64MiB, 64MB or plain bytes
  kSeconds,       // 10, 10s, 5m, 2h, 7d
  kMilliseconds,  // 250, 250ms, 10s, 5m
  kChoice,
  kTexts,         // a list of texts
  kTextPairs,     // a map of texts
  kRecords,       // a list of maps
};

struct Setting {
  std::string_view path;  // from the record that holds it: "http.listen", and "name" in an item of auth.users
  Kind kind = Kind::kText;
  std::variant<std::monostate, std::string*, net::Address*, bool*, uint64_t*, std::vector<std::string>*, TextPairs*, Choice, RecordList> target;
  uint64_t low = 0;  // of numbers, both allowed
  uint64_t high = 0;
  bool required = false;  // of an item's settings
  std::string_view comment;
  std::string_view example;  // YAML lines, for lists
};

// A first-level section and what it is about.
struct Section {
  std::string_view name;
  std::string_view comment;
};

std::span<const Section> sections();
std::vector<Setting> settings_of(Config& config);

// nullptr where no setting is called so.
const Setting* find_setting(std::span<const Setting> settings, std::string_view path);

// Whether the value is one text, such as an environment variable holds; lists and maps are not.
bool is_scalar(const Setting& setting);

// Reads a text into the value. REQUIRES: is_scalar(setting).
// Errors: kInvalidArgument "found 'x', allowed is …"; the caller adds where it was found.
Result<void> assign(const Setting& setting, std::string_view text);

// The value in the form assign() takes. REQUIRES: is_scalar(setting).
std::string format_value(const Setting& setting);

// "1KiB to 16GiB" for numbers, nothing for the rest.
std::string limits(const Setting& setting);

// What assign() accepts, in words: "a size such as 64MiB, from 1KiB to 16GiB".
std::string allowed_values(const Setting& setting);

}  // namespace campanile::app
