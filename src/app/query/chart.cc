#include "app/query/chart.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace campanile::app {
namespace {

using Places = std::vector<std::optional<double>>;

// The column's values on so many places; fewer where there are fewer rows.
Places spread(const AnsweredSeries& series, size_t column, size_t places_max) {
  const size_t rows = series.rows.size();
  const size_t count = std::min(rows, places_max);
  Places places(count);
  std::vector<double> sums(count, 0);
  std::vector<size_t> counts(count, 0);
  for (size_t row = 0; row < rows; ++row) {
    const auto& number = series.rows[row][column].number;
    if (!number || !std::isfinite(*number)) continue;
    sums[row * count / rows] += *number;
    ++counts[row * count / rows];
  }
  for (size_t i = 0; i < count; ++i) {
    if (counts[i] > 0) places[i] = sums[i] / static_cast<double>(counts[i]);
  }
  return places;
}

struct Scale {
  double least = 0;
  double greatest = 0;
  bool any = false;

  explicit Scale(const Places& places) {
    for (const auto& each : places) {
      if (!each) continue;
      least = any ? std::min(least, *each) : *each;
      greatest = any ? std::max(greatest, *each) : *each;
      any = true;
    }
  }
  // 0 to steps - 1; a flat line lies in the middle.
  size_t step(double value, size_t steps) const {
    if (greatest == least) return steps / 2;
    const double part = (value / 2 - least / 2) / (greatest / 2 - least / 2);
    return std::min(steps - 1, static_cast<size_t>(part * static_cast<double>(steps)));
  }
};

std::string shown(double number) { return fmt::format("{:.6g}", number); }

// The columns that hold numbers, the time not among them.
std::vector<size_t> drawn_columns(const AnsweredSeries& series) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < series.columns.size(); ++i) {
    if (series.columns[i] == "time") continue;
    if (std::ranges::any_of(series.rows, [i](const auto& row) { return row[i].number.has_value(); })) columns.push_back(i);
  }
  return columns;
}

std::optional<double> last_of(const AnsweredSeries& series, size_t column) {
  for (auto row = series.rows.rbegin(); row != series.rows.rend(); ++row) {
    if ((*row)[column].number) return (*row)[column].number;
  }
  return std::nullopt;
}

std::string label_of(const AnsweredSeries& series, size_t column) {
  const std::string title = series.title();
  return title.empty() ? series.columns[column] : title + " " + series.columns[column];
}

// Dots of two by four to a character.
class Dots {
 public:
  Dots(size_t width, size_t height) : width_(width), height_(height), cells_(width * height, 0) {}
  size_t columns() const { return width_ * 2; }
  size_t rows() const { return height_ * 4; }
  // `y` counts from below.
  void set(size_t x, size_t y) {
    static constexpr unsigned char kBits[2][4] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};
    cells_[(height_ - 1 - y / 4) * width_ + x / 2] |= kBits[x % 2][y % 4];
  }
  std::string line(size_t row) const {
    std::string out;
    for (size_t i = 0; i < width_; ++i) {
      const unsigned char bits = cells_[row * width_ + i];
      if (bits == 0) {
        out += ' ';
        continue;
      }
      // U+2800 and the dots that are set.
      out += '\xe2';
      out += static_cast<char>(0xa0 | (bits >> 6));
      out += static_cast<char>(0x80 | (bits & 0x3f));
    }
    return out;
  }

 private:
  const size_t width_;
  const size_t height_;
  std::vector<unsigned char> cells_;
};

// Joins what lies beside one another, so that a steep rise is a line.
void draw_curve(const Places& places, const Scale& scale, Dots& dots) {
  std::optional<size_t> before;
  for (size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) {
      before.reset();
      continue;
    }
    const size_t x = places.size() == 1 ? 0 : i * (dots.columns() - 1) / (places.size() - 1);
    const size_t y = scale.step(*places[i], dots.rows());
    const size_t x_before = before && i > 0 ? (i - 1) * (dots.columns() - 1) / (places.size() - 1) : x;
    const size_t y_before = before.value_or(y);
    const size_t steps = std::max({x - x_before, y > y_before ? y - y_before : y_before - y, size_t{1}});
    for (size_t step = 0; step <= steps; ++step) {
      const double part = static_cast<double>(step) / static_cast<double>(steps);
      const auto between = [part](size_t from, size_t to) {
        return static_cast<size_t>(std::lround(static_cast<double>(from) + part * (static_cast<double>(to) - static_cast<double>(from))));
      };
      dots.set(between(x_before, x), between(y_before, y));
    }
    before = y;
  }
}

}  // namespace

std::string draw_sparklines(const AnsweredSeries& series, size_t width) {
  static constexpr std::string_view kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string out;
  for (const size_t column : drawn_columns(series)) {
    const std::string label = label_of(series, column);
    const std::string room_for_figures(34, ' ');
    const size_t taken = shown_width(label) + room_for_figures.size();
    const Places places = spread(series, column, width > taken + 10 ? width - taken : 10);
    const Scale scale(places);
    out += label + ' ';
    for (const auto& each : places) out += each ? kBlocks[scale.step(*each, std::size(kBlocks))] : " ";
    out += fmt::format("  {} to {}, last {}\n", shown(scale.least), shown(scale.greatest), shown(*last_of(series, column)));
  }
  return out;
}

std::string draw_chart(const AnsweredSeries& series, size_t width, size_t height) {
  std::string out;
  const auto time_column = std::ranges::find(series.columns, "time");
  for (const size_t column : drawn_columns(series)) {
    const Places all = spread(series, column, series.rows.size());
    const Scale figures(all);
    const size_t margin = std::max(shown(figures.least).size(), shown(figures.greatest).size());
    Dots dots(width > margin + 12 ? width - margin - 2 : 10, height);
    const Places places = spread(series, column, dots.columns());
    const Scale scale(places);
    draw_curve(places, scale, dots);
    out += label_of(series, column) + '\n';
    for (size_t row = 0; row < height; ++row) {
      const std::string figure = row == 0 ? shown(scale.greatest) : row + 1 == height ? shown(scale.least) : "";
      out += fmt::format("{:>{}} │{}\n", figure, margin, dots.line(row));
    }
    out += std::string(margin, ' ') + " └";
    for (size_t i = 0; i < dots.columns() / 2; ++i) out += "─";
    out += '\n';
    if (time_column == series.columns.end()) continue;
    const auto place = static_cast<size_t>(time_column - series.columns.begin());
    const std::string& from = series.rows.front()[place].text;
    const std::string& to = series.rows.back()[place].text;
    const size_t room = dots.columns() / 2;
    out += std::string(margin + 2, ' ') + from;
    if (series.rows.size() > 1) out += std::string(room > from.size() + to.size() ? room - from.size() - to.size() : 1, ' ') + to;
    out += '\n';
  }
  return out;
}

}  // namespace campanile::app
