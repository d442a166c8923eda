// Charts: a column of an answer as a line of blocks, or as a curve of dots, drawn with characters.
//
//   draw_sparklines(series, 80)   // usage ▁▂▅▇█▆▃▁  0.5 to 9, last 1.25
//   draw_chart(series, 80, 12)
//
// Each column of numbers is drawn, in the order of its rows; where there are more rows than places, a place shows their mean. Nulls leave a gap.
// Pure.
#pragma once

#include <string>

#include "app/query/answer.h"

namespace campanile::app {

// `width`, `height`: of the terminal, and of the drawing, in characters.
std::string draw_sparklines(const AnsweredSeries& series, size_t width);
std::string draw_chart(const AnsweredSeries& series, size_t width, size_t height);

}  // namespace campanile::app
