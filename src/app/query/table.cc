#include "app/query/table.h"

#include <algorithm>

namespace campanile::app {
namespace {

std::string harmless(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

struct ShownColumn {
  size_t width = 0;
  bool is_numeric = true;
};

std::vector<ShownColumn> measure(const AnsweredSeries& series) {
  std::vector<ShownColumn> shown(series.columns.size());
  for (size_t i = 0; i < shown.size(); ++i) shown[i].width = shown_width(series.columns[i]);
  for (const auto& row : series.rows) {
    for (size_t i = 0; i < shown.size(); ++i) {
      shown[i].width = std::max(shown[i].width, shown_width(row[i].text));
      if (!row[i].text.empty() && !row[i].number) shown[i].is_numeric = false;
    }
  }
  return shown;
}

void append_cell(std::string& line, const std::string& text, const ShownColumn& column, bool is_last) {
  const std::string pad(column.width - std::min(column.width, shown_width(text)), ' ');
  line += column.is_numeric ? pad + text : is_last ? text : text + pad;
  if (!is_last) line += "  ";
}

}  // namespace

std::string draw_table(const AnsweredSeries& series) {
  const std::vector<ShownColumn> shown = measure(series);
  std::string out;
  if (const std::string title = harmless(series.title()); !title.empty()) out += title + '\n';
  std::string rule;
  for (size_t i = 0; i < shown.size(); ++i) {
    append_cell(out, harmless(series.columns[i]), shown[i], i + 1 == shown.size());
    for (size_t dash = 0; dash < shown[i].width; ++dash) rule += "─";
    if (i + 1 < shown.size()) rule += "  ";
  }
  out += '\n' + rule + '\n';
  for (const auto& row : series.rows) {
    for (size_t i = 0; i < shown.size(); ++i) append_cell(out, harmless(row[i].text), shown[i], i + 1 == shown.size());
    out += '\n';
  }
  return out;
}

}  // namespace campanile::app
