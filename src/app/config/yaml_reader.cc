#include "app/config/yaml_reader.h"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "app/config/settings.h"
#include "base/text.h"

namespace campanile::app {
namespace {

std::string found(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null: return "found nothing";
    case YAML::NodeType::Scalar: return fmt::format("found '{}'", excerpt(node.Scalar()));
    case YAML::NodeType::Sequence: return "found a list";
    case YAML::NodeType::Map: return "found a map";
  }
  return "found something else";
}

std::string_view after_dot(std::string_view path) {
  const size_t dot = path.find('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

std::string_view before_dot(std::string_view path) {
  const size_t dot = path.find('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

class Reader {
 public:
  explicit Reader(Config& config) : settings_(settings_of(config)) {}

  void read_document(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) return add(root.Mark(), fmt::format("{}, a configuration is a map such as \"http:\" with \"listen: …\" below it", found(root)));
    each_key(root, "the configuration", [&](const YAML::Node& key, const YAML::Node& value) {
      const std::string& name = key.Scalar();
      const auto section = std::find_if(sections().begin(), sections().end(), [&](const Section& s) { return s.name == name; });
      if (section != sections().end()) return read_section(*section, value);
      const Setting* setting = find_setting(settings_, name);
      if (!setting || name.find('.') != std::string::npos) return unknown_key(key.Mark(), name, "");
      read_value(*setting, name, value);
    });
  }

  std::vector<Problem> take_problems() {
    std::sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
      return std::tie(a.line, a.column, a.message) < std::tie(b.line, b.column, b.message);
    });
    if (problems_.size() > kProblemsMax) {
      const size_t more = problems_.size() - kProblemsMax;
      problems_.resize(kProblemsMax);
      problems_.push_back({problems_.back().line, problems_.back().column, fmt::format("and {} more like these", more)});
    }
    return std::move(problems_);
  }

 private:
  void add(const YAML::Mark& mark, std::string message) {
    if (mark.is_null()) return problems_.push_back({0, 0, std::move(message)});
    problems_.push_back({static_cast<size_t>(mark.line) + 1, static_cast<size_t>(mark.column) + 1, std::move(message)});
  }

  // Calls `visit` for each key that is a text and stands for the first time. REQUIRES: map.IsMap().
  template <typename Visit>
  void each_key(const YAML::Node& map, std::string_view where, Visit visit) {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      const YAML::Node& key = entry.first;
      if (!key.IsScalar()) {
        add(key.Mark(), fmt::format("{} as a key of {}, wanted a name", found(key), where));
      } else if (!seen.insert(key.Scalar()).second) {
        add(key.Mark(), fmt::format("'{}' stands twice in {}; remove one", excerpt(key.Scalar()), where));
      } else {
        visit(key, entry.second);
      }
    }
  }

  void read_section(const Section& section, const YAML::Node& node) {
    if (node.IsNull()) return;  // a section whose settings are all commented out
    if (!node.IsMap()) {
      return add(node.Mark(), fmt::format("{}: {}, wanted a map of its settings: {}", section.name, found(node), names_in(section.name)));
    }
    each_key(node, section.name, [&](const YAML::Node& key, const YAML::Node& value) {
      const std::string path = fmt::format("{}.{}", section.name, key.Scalar());
      const Setting* setting = find_setting(settings_, path);
      if (!setting) return unknown_key(key.Mark(), key.Scalar(), section.name);
      read_value(*setting, path, value);
    });
  }

  void read_value(const Setting& setting, const std::string& path, const YAML::Node& node) {
    const auto wrong_type = [&] { add(node.Mark(), fmt::format("{}: {}, allowed is {}", path, found(node), allowed_values(setting))); };
    switch (setting.kind) {
      case Kind::kRecords: return node.IsSequence() ? read_records(setting, path, node) : wrong_type();
      case Kind::kTextPairs: return node.IsMap() ? read_pairs(*std::get<TextPairs*>(setting.target), path, node) : wrong_type();
      case Kind::kTexts:
        return node.IsSequence() ? read_texts(*std::get<std::vector<std::string>*>(setting.target), path, node) : wrong_type();
      default: break;
    }
    if (!node.IsScalar()) return wrong_type();
    if (const auto assigned = assign(setting, node.Scalar()); !assigned) {
      add(node.Mark(), fmt::format("{}: {}", path, assigned.error().message));
    }
  }

  void read_pairs(TextPairs& pairs, const std::string& path, const YAML::Node& node) {
    pairs.clear();
    each_key(node, path, [&](const YAML::Node& key, const YAML::Node& value) {
      if (!value.IsScalar()) return add(value.Mark(), fmt::format("{}.{}: {}, wanted a text", path, excerpt(key.Scalar()), found(value)));
      pairs.emplace_back(key.Scalar(), value.Scalar());
    });
  }

  void read_texts(std::vector<std::string>& texts, const std::string& path, const YAML::Node& node) {
    texts.clear();
    for (const auto& item : node) {
      if (item.IsScalar()) {
        texts.push_back(item.Scalar());
      } else {
        add(item.Mark(), fmt::format("{}: {}, wanted a text", path, found(item)));
      }
    }
  }

  void read_records(const Setting& setting, const std::string& path, const YAML::Node& node) {
    const RecordList& list = std::get<RecordList>(setting.target);
    list.clear();
    for (const auto& item : node) {
      if (!item.IsMap()) {
        add(item.Mark(), fmt::format("{}: {}, wanted a map such as\n{}", path, found(item), setting.example));
        continue;
      }
      read_record(list, path, item);
    }
  }

  void read_record(const RecordList& list, const std::string& path, const YAML::Node& node) {
    const std::vector<Setting> settings = list.append();
    const size_t problems_before = problems_.size();
    std::set<std::string> given;
    each_key(node, path, [&](const YAML::Node& key, const YAML::Node& value) {
      const Setting* setting = find_setting(settings, key.Scalar());
      if (!setting) return unknown_item_key(key.Mark(), key.Scalar(), path, settings);
      given.insert(key.Scalar());
      read_value(*setting, fmt::format("{}.{}", path, key.Scalar()), value);
    });
    for (const Setting& setting : settings) {
      if (!setting.required || given.contains(std::string(setting.path))) continue;
      add(node.Mark(), fmt::format("{}: '{}' is missing; it is {}", path, setting.path, allowed_values(setting)));
    }
    if (problems_.size() > problems_before) return;
    if (const auto whole = list.check(); !whole) add(node.Mark(), fmt::format("{}: {}", path, whole.error().message));
  }

  std::string names_in(std::string_view section) const {
    std::string out;
    for (const Setting& setting : settings_) {
      if (before_dot(setting.path) != section) continue;
      if (!out.empty()) out += ", ";
      out += after_dot(setting.path);
    }
    return out;
  }

  void unknown_item_key(const YAML::Mark& mark, const std::string& name, std::string_view where, std::span<const Setting> settings) {
    std::vector<std::string_view> names;
    for (const Setting& setting : settings) names.push_back(setting.path);
    if (const auto closest = closest_match(name, names)) {
      return add(mark, fmt::format("unknown key '{}' in {}; did you mean '{}'?", excerpt(name), where, *closest));
    }
    add(mark, fmt::format("unknown key '{}' in {}; known are {}", excerpt(name), where, fmt::join(names, ", ")));
  }

  // A name that exists in another section is most likely only in the wrong place.
  void unknown_key(const YAML::Mark& mark, const std::string& name, std::string_view section) {
    const std::string where = section.empty() ? "the configuration" : std::string(section);
    std::vector<std::string_view> names;
    for (const Setting& setting : settings_) {
      if (before_dot(setting.path) == section) names.push_back(after_dot(setting.path));
    }
    if (section.empty()) {
      for (const Section& known : sections()) names.push_back(known.name);
    }
    for (const Setting& setting : settings_) {
      if (after_dot(setting.path) != name && setting.path != name) continue;
      const auto home = before_dot(setting.path);
      return add(mark, fmt::format("unknown key '{}' in {}; did you mean '{}', which stands {}?", excerpt(name), where, setting.path,
                                   home.empty() ? "at the top level" : fmt::format("below '{}:'", home)));
    }
    if (const auto closest = closest_match(name, names)) {
      return add(mark, fmt::format("unknown key '{}' in {}; did you mean '{}'?", excerpt(name), where, *closest));
    }
    add(mark, fmt::format("unknown key '{}' in {}; known are {}", excerpt(name), where, fmt::join(names, ", ")));
  }

  std::vector<Setting> settings_;
  std::vector<Problem> problems_;
};

// What makes a text no YAML at all, where a better answer can be given than the parser's.
std::vector<Problem> check_bytes(std::string_view text) {
  if (text.size() > kConfigBytesMax) {
    return {{0, 0, fmt::format("{} bytes, a configuration has at most {}", text.size(), kConfigBytesMax)}};
  }
  std::vector<Problem> problems;
  size_t line_number = 0;
  while (!text.empty() && problems.size() < kProblemsMax) {
    ++line_number;
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!is_valid_utf8(line) || line.find('\0') != std::string_view::npos) {
      problems.push_back({line_number, 1, fmt::format("'{}' is not UTF-8 text; save the file as UTF-8", excerpt(line))});
      continue;
    }
    const size_t first = line.find_first_not_of(" \t\r");
    const size_t tab = line.find('\t');
    if (first != std::string_view::npos && line[first] != '#' && tab < first) {
      problems.push_back({line_number, tab + 1, "a tab in the indentation; YAML wants spaces"});
    }
  }
  return problems;
}

// Remembers where the document began that the parser told of last.
class DocumentStart final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  const YAML::Mark& mark() const { return mark_; }

 private:
  YAML::Mark mark_;
};

// What stands behind the first document. YAML::Load() would not look at it, and YAML::LoadAll() never ends where it is a stray comma.
std::optional<Problem> second_document(std::string_view text) {
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  DocumentStart start;
  if (!parser.HandleNextDocument(start) || !parser.HandleNextDocument(start)) return std::nullopt;
  return Problem{static_cast<size_t>(start.mark().line) + 1, static_cast<size_t>(start.mark().column) + 1,
                 "this is behind the end of the settings: a configuration is one document, without '---' inside"};
}

// `place: {building}/{room}` reads to YAML as a map that goes wrong at the '/'; so does `[a]/b`.
std::string_view hint_for(std::string_view text, int line_index) {
  for (int i = 0; i < line_index && !text.empty(); ++i) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.find(": {") != std::string_view::npos || line.find(": [") != std::string_view::npos || line.find(": *") != std::string_view::npos) {
    return "; a text that begins with {, [ or * needs quotes: \"{building}/{room}\"";
  }
  if (std::count(line.begin(), line.end(), ':') > 1) return "; a text with ': ' in it needs quotes";
  return "";
}

}  // namespace

std::vector<Problem> read_yaml(std::string_view text, Config& config) {
  if (auto problems = check_bytes(text); !problems.empty()) return problems;
  try {
    if (auto behind = second_document(text)) return {*std::move(behind)};
    Reader reader(config);
    reader.read_document(YAML::Load(std::string(text)));
    return reader.take_problems();
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) return {{0, 0, fmt::format("not YAML: {}", error.msg)}};
    return {{static_cast<size_t>(error.mark.line) + 1, static_cast<size_t>(error.mark.column) + 1,
             fmt::format("not YAML: {}{}", error.msg, hint_for(text, error.mark.line))}};
  } catch (const std::exception& error) {
    return {{0, 0, fmt::format("not YAML: {}", error.what())}};
  }
}

}  // namespace campanile::app
