// Answer: what /query says, as cells that can be shown.
//
//   const std::vector<AnsweredSeries> series = TRY(parse_query_answer(body));
//
// Pure. Errors: kInvalidArgument in the server's words where the query or a statement failed; kIoError for what is no answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace campanile::app {

struct AnsweredCell {
  std::string text;              // empty for null
  std::optional<double> number;  // where it is one
};

struct AnsweredSeries {
  std::string name;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> columns;
  std::vector<std::vector<AnsweredCell>> rows;  // as wide as columns

  // "cpu", "cpu host=a": what a title says of it.
  std::string title() const;
};

Result<std::vector<AnsweredSeries>> parse_query_answer(std::string_view body);

// How many columns of a terminal the text takes, as far as each character takes one.
size_t shown_width(std::string_view text);

}  // namespace campanile::app
