#include "app/query/answer.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"

namespace campanile::app {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

const array* array_in(const object& from, std::string_view name) {
  const value* const found = from.if_contains(name);
  return found != nullptr ? found->if_array() : nullptr;
}

std::string text_in(const object& from, std::string_view name) {
  const value* const found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

AnsweredCell cell_of(const value& from) {
  switch (from.kind()) {
    case boost::json::kind::null: return {};
    case boost::json::kind::bool_: return {from.get_bool() ? "true" : "false", from.get_bool() ? 1.0 : 0.0};
    case boost::json::kind::int64: return {fmt::format("{}", from.get_int64()), static_cast<double>(from.get_int64())};
    case boost::json::kind::uint64: return {fmt::format("{}", from.get_uint64()), static_cast<double>(from.get_uint64())};
    case boost::json::kind::double_: return {fmt::format("{}", from.get_double()), from.get_double()};
    case boost::json::kind::string: return {std::string(from.get_string()), std::nullopt};
    default: return {"?", std::nullopt};
  }
}

AnsweredSeries series_of(const object& from) {
  AnsweredSeries made;
  made.name = text_in(from, "name");
  if (const value* const tags = from.if_contains("tags"); tags != nullptr && tags->is_object()) {
    for (const auto& [key, each] : tags->get_object()) made.tags.emplace_back(std::string(key), each.is_string() ? std::string(each.get_string()) : std::string());
  }
  std::ranges::sort(made.tags);
  if (const array* const columns = array_in(from, "columns")) {
    for (const value& each : *columns) made.columns.push_back(cell_of(each).text);
  }
  if (const array* const rows = array_in(from, "values")) {
    for (const value& row : *rows) {
      if (!row.is_array()) continue;
      std::vector<AnsweredCell>& cells = made.rows.emplace_back();
      for (const value& each : row.get_array()) cells.push_back(cell_of(each));
      cells.resize(made.columns.size());
    }
  }
  return made;
}

}  // namespace

std::string AnsweredSeries::title() const {
  std::string made = name;
  for (const auto& [key, each] : tags) made += fmt::format("{}{}={}", made.empty() ? "" : " ", key, each);
  return made;
}

Result<std::vector<AnsweredSeries>> parse_query_answer(std::string_view body) {
  boost::system::error_code error;
  const value parsed = boost::json::parse(boost::json::string_view(body.data(), body.size()), error);
  if (error || !parsed.is_object()) return fail(ErrorCode::kIoError, "the answer '{}' is no query's: is there a Campanile?", excerpt(body));
  const object& answer = parsed.get_object();
  if (const std::string told = text_in(answer, "error"); !told.empty()) return fail(ErrorCode::kInvalidArgument, "{}", told);
  std::vector<AnsweredSeries> made;
  const array* const results = array_in(answer, "results");
  if (results == nullptr) return made;
  for (const value& result : *results) {
    if (!result.is_object()) continue;
    if (const std::string told = text_in(result.get_object(), "error"); !told.empty()) return fail(ErrorCode::kInvalidArgument, "{}", told);
    const array* const series = array_in(result.get_object(), "series");
    if (series == nullptr) continue;
    for (const value& each : *series) {
      if (each.is_object()) made.push_back(series_of(each.get_object()));
    }
  }
  return made;
}

size_t shown_width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace campanile::app
