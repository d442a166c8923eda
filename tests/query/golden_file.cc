#include "golden_file.h"

#include <fstream>
#include <sstream>

namespace campanile::query::testing {
namespace {

bool begins_block(const std::string& line) {
  const std::string word = line.substr(0, line.find(' '));
  return word == "load" || word == "eval" || line.starts_with('#');
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace

std::string GoldenBlock::option(std::string_view name, std::string fallback) const {
  for (const std::string& each : options) {
    if (each == name) return "true";
    if (each.starts_with(std::string(name) + "=")) return each.substr(name.size() + 1);
  }
  return fallback;
}

std::vector<GoldenBlock> read_golden(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::vector<GoldenBlock> blocks;
  for (size_t at = 0; at < lines.size(); ++at) {
    if (lines[at].empty() || lines[at].starts_with('#')) continue;
    GoldenBlock block;
    block.line = at + 1;
    block.options = words_of(lines[at]);
    block.is_load = block.options[0] == "load";
    block.options.erase(block.options.begin());
    std::string body;
    while (at + 1 < lines.size() && !(lines[at].empty() && begins_block(lines[at + 1]))) body += lines[++at] + "\n";
    while (body.ends_with('\n')) body.pop_back();
    const size_t cut = block.is_load ? std::string::npos : body.find("\n----");
    block.text = body.substr(0, cut);
    if (cut != std::string::npos) block.expected = body.substr(std::min(body.size(), cut + 6));
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace campanile::query::testing
