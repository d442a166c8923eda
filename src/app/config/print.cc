#include "app/config/print.h"

#include <algorithm>

#include "app/config/load.h"
#include "app/config/settings.h"
#include "base/text.h"

namespace campanile::app {
namespace {

// Whether YAML reads the word as itself where no quotes are.
bool is_plain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "true" || text == "false") return false;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' || c == '.' || c == '-' || c == ':';
  };
  return text.front() != '-' && text.front() != ':' && text.back() != ':' && std::all_of(text.begin(), text.end(), fits);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string yaml_text(std::string_view text) { return is_plain(text) ? std::string(text) : in_quotes(text); }

std::string yaml_scalar(const Setting& setting) {
  const std::string text = format_value(setting);
  switch (setting.kind) {
    case Kind::kSecret: return text.empty() ? "\"\"" : "\"***\"";
    case Kind::kText:
    case Kind::kPath: return yaml_text(text);
    case Kind::kAddress: return text.starts_with('[') ? in_quotes(text) : text;
    default: return text;
  }
}

std::string yaml_flow(const Setting& setting) {
  std::vector<std::string> parts;
  if (setting.kind == Kind::kTexts) {
    for (const auto& text : *std::get<std::vector<std::string>*>(setting.target)) parts.push_back(in_quotes(text));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  for (const auto& [key, value] : *std::get<TextPairs*>(setting.target)) parts.push_back(fmt::format("{}: {}", in_quotes(key), in_quotes(value)));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

// Each line of `lines` behind `prefix`.
std::string indented(std::string_view lines, std::string_view prefix) {
  std::string out;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    out += fmt::format("{}{}\n", prefix, lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

void print_records(const Setting& setting, std::string_view key, std::string_view indent, std::string& out) {
  const auto items = std::get<RecordList>(setting.target).items();
  if (items.empty()) {
    out += fmt::format("{}{}: []\n", indent, key);
    return;
  }
  out += fmt::format("{}{}:\n", indent, key);
  for (const auto& item : items) {
    std::string_view lead = "- ";
    for (const Setting& part : item) {
      if (part.kind == Kind::kRecords) {
        print_records(part, part.path, fmt::format("{}    ", indent), out);
        continue;
      }
      const std::string value = is_scalar(part) ? yaml_scalar(part) : yaml_flow(part);
      // A user's password comes from the one place or the other, never from both.
      if (part.kind == Kind::kSecret && value == "\"\"") continue;
      if (part.path == "password_file" && value == "\"\"") continue;
      out += fmt::format("{}  {}{}: {}\n", indent, lead, part.path, value);
      lead = "  ";
    }
  }
}

void print_setting(const Setting& setting, std::string_view key, std::string_view indent, std::string& out) {
  out += fmt::format("{}# {}", indent, setting.comment);
  if (const std::string range = limits(setting); !range.empty()) out += fmt::format(" ({})", range);
  out += '\n';
  if (setting.kind == Kind::kRecords) {
    out += indented(setting.example, fmt::format("{}#   ", indent));
    return print_records(setting, key, indent, out);
  }
  out += fmt::format("{}{}: {}\n", indent, key, is_scalar(setting) ? yaml_scalar(setting) : yaml_flow(setting));
}

// The same words, safe in a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string markdown_rows(std::span<const Setting> settings, std::string_view section, bool with_environment) {
  std::string out;
  for (const Setting& setting : settings) {
    const size_t dot = setting.path.find('.');
    if ((dot == std::string_view::npos ? std::string_view() : setting.path.substr(0, dot)) != section) continue;
    const std::string value = is_scalar(setting) ? format_value(setting) : setting.kind == Kind::kTextPairs ? "{}" : "[]";
    out += fmt::format("| `{}` | {} | {} | {} |", setting.path, value.empty() ? "" : fmt::format("`{}`", cell(value)), cell(allowed_values(setting)),
                       cell(setting.comment));
    if (with_environment) out += is_scalar(setting) ? fmt::format(" `{}` |", environment_name(setting.path)) : " |";
    out += '\n';
  }
  return out;
}

constexpr std::string_view kHead = "| setting | default | allowed | what it is | environment |\n|---|---|---|---|---|\n";
constexpr std::string_view kItemHead = "| key | default | allowed | what it is |\n|---|---|---|---|\n";

// What an item of the list holds, and what the lists in it hold.
void item_markdown(const Setting& setting, std::string_view path, std::string& out) {
  const std::vector<Setting> item = std::get<RecordList>(setting.target).append();
  out += fmt::format("### An item of `{}`\n\n{}{}\n```yaml\n{}:\n{}```\n\n", path, kItemHead, markdown_rows(item, "", false),
                     setting.path.substr(setting.path.find('.') + 1), indented(setting.example, "  "));
  for (const Setting& part : item) {
    if (part.kind == Kind::kRecords) item_markdown(part, fmt::format("{}.{}", path, part.path), out);
  }
  std::get<RecordList>(setting.target).clear();
}

}  // namespace

std::string print_config(const Config& config) {
  Config copy = config;
  const std::vector<Setting> settings = settings_of(copy);
  std::string out = "# Campanile's configuration. `campanile check-config FILE` checks it; docs/guides/configuration.md explains it.\n";
  for (const Section& section : sections()) {
    out += fmt::format("\n# {}\n{}:\n", section.comment, section.name);
    for (const Setting& setting : settings) {
      const size_t dot = setting.path.find('.');
      if (dot == std::string_view::npos || setting.path.substr(0, dot) != section.name) continue;
      print_setting(setting, setting.path.substr(dot + 1), "  ", out);
    }
  }
  for (const Setting& setting : settings) {
    if (setting.path.find('.') != std::string_view::npos) continue;
    out += '\n';
    print_setting(setting, setting.path, "", out);
  }
  return out;
}

std::string settings_markdown() {
  Config config;
  const std::vector<Setting> settings = settings_of(config);
  std::string out;
  for (const Section& section : sections()) {
    out += fmt::format("### `{}`\n\n{}\n\n{}{}\n", section.name, section.comment, kHead, markdown_rows(settings, section.name, true));
  }
  out += fmt::format("### At the top level\n\n{}{}\n", kHead, markdown_rows(settings, "", true));
  for (const Setting& setting : settings) {
    if (setting.kind == Kind::kRecords) item_markdown(setting, setting.path, out);
  }
  out.pop_back();
  return out;
}

}  // namespace campanile::app
