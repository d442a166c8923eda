#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "model/series_key.h"
#include "query/languages/influxql/json_text.h"
#include "query/languages/influxql/response_forms.h"

namespace campanile::query::influxql {
namespace {

// RFC 4180: quoted where a comma, a quote, a line end or a leading blank would be misread.
void append_cell(std::string& out, std::string_view text) {
  const bool quotes = text.find_first_of(",\"\r\n") != std::string_view::npos || text.starts_with(' ') || text == "\\.";
  if (!quotes) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string cell_text(const Value& value) {
  if (!value) return {};
  switch (value->type()) {
    case FieldType::kFloat: return format_float_fixed(value->as_float());
    case FieldType::kInteger: return fmt::format("{}", value->as_integer());
    case FieldType::kUnsigned: return fmt::format("{}", value->as_unsigned());
    case FieldType::kBoolean: return value->as_boolean() ? "true" : "false";
    case FieldType::kString: return std::string(value->as_string());
  }
  return {};
}

// One table a statement, an empty line between two: name,tags,time,…
class CsvResponse final : public ResultSink {
 public:
  CsvResponse(const ResponseOptions& options, EmitPiece emit) : options_(options), emit_(std::move(emit)) {}

  void begin_statement(size_t) override {
    at_statement_ = text_.size();
    has_header_ = false;
  }

  void columns(std::vector<std::string> names, bool has_time, std::shared_ptr<const TimeZone>) override {
    names_ = std::move(names);
    has_time_ = has_time;
  }

  Result<void> begin_series(std::string_view name, const SeriesTags& tags) override {
    if (!has_header_) add_header();
    name_ = std::string(name);
    std::vector<Tag> parts;
    for (const auto& [key, value] : tags) parts.push_back({key, value});
    tags_.clear();
    append_series_key(tags_, "", parts);
    if (!tags_.empty()) tags_.erase(0, 1);  // the comma
    return {};
  }

  Result<void> rows(const RowBatch& batch) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      append_cell(text_, name_);
      text_ += ',';
      append_cell(text_, tags_);
      if (has_time_) text_ += fmt::format(",{}", batch.times_ns[i] / options_.epoch_ns.value_or(1));
      for (const Value& value : batch.row(i)) {
        text_ += ',';
        append_cell(text_, cell_text(value));
      }
      text_ += '\n';
      if (options_.chunk_rows > 0 && ++rows_in_chunk_ == options_.chunk_rows) TRY(emit());
    }
    if (text_.size() > options_.bytes_max) {
      return fail(ErrorCode::kTooLarge, "the answer has more than {} bytes; ask for it with chunked=true, or narrow the query", options_.bytes_max);
    }
    return {};
  }

  Result<void> empty_series(std::string_view name) override { return begin_series(name, {}); }

  void warn(std::string_view) override {}

  Result<void> end_statement(const std::optional<std::string>& error) override {
    if (!error) return {};
    text_.resize(std::min(at_statement_, text_.size()));
    if (wrote_table_) text_ += '\n';
    wrote_table_ = true;
    text_ += csv_error(*error);
    return {};
  }

  Result<void> finish() override {
    if (text_.empty() && options_.chunk_rows > 0) return {};
    return emit();
  }

 private:
  void add_header() {
    if (wrote_table_) text_ += '\n';
    wrote_table_ = true;
    has_header_ = true;
    text_ += "name,tags";
    for (const std::string& name : names_) {
      text_ += ',';
      append_cell(text_, name);
    }
    text_ += '\n';
  }

  Result<void> emit() {
    rows_in_chunk_ = 0;
    at_statement_ = 0;
    return emit_(std::exchange(text_, std::string()));
  }

  ResponseOptions options_;
  EmitPiece emit_;
  std::string text_;
  size_t at_statement_ = 0;
  bool has_header_ = false;
  bool wrote_table_ = false;
  bool has_time_ = false;
  std::vector<std::string> names_;
  std::string name_;
  std::string tags_;
  uint64_t rows_in_chunk_ = 0;
};

}  // namespace

std::unique_ptr<ResultSink> make_csv_response(const ResponseOptions& options, EmitPiece emit) {
  return std::make_unique<CsvResponse>(options, std::move(emit));
}

std::string csv_error(std::string_view message) {
  std::string out = "error\n";
  append_cell(out, message);
  return out + "\n";
}

}  // namespace campanile::query::influxql
