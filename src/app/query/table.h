// Table: the rows of an answer in columns, for people: numbers to the right, texts to the left.
#pragma once

#include <string>

#include "app/query/answer.h"

namespace campanile::app {

// Of one series, its title above it where it has one. What would move the cursor or end a line is shown as a blank.
std::string draw_table(const AnsweredSeries& series);

}  // namespace campanile::app
