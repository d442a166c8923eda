#include "query/languages/influxql/json_text.h"
#include "query/languages/influxql/response.h"
#include "query/languages/influxql/response_forms.h"
#include "query/languages/influxql/time_text.h"

namespace campanile::query::influxql {
namespace {

// {"results":[{"statement_id":0,"series":[{"name":…,"tags":…,"columns":…,"values":[…],"partial":true}],"messages":[…],"partial":true,"error":…}]}
// The opening is written when a statement, a series or a row comes, and the closing when the next one decides how it ends.
class JsonResponse final : public ResultSink {
 public:
  JsonResponse(const ResponseOptions& options, EmitPiece emit) : options_(options), emit_(std::move(emit)), json_(options.pretty) {
    if (!is_chunked()) open_document();
  }

  void begin_statement(size_t id) override {
    id_ = id;
    names_.clear();
    warnings_.clear();
    at_statement_ = json_.mark();
    open_statement();
  }

  void columns(std::vector<std::string> names, bool has_time, std::shared_ptr<const TimeZone> zone) override {
    names_ = std::move(names);
    has_time_ = has_time;
    zone_ = std::move(zone);
  }

  Result<void> begin_series(std::string_view name, const SeriesTags& tags) override {
    TRY(end_series(false));
    if (is_chunked() && has_series_) TRY(end_chunk(true));
    name_ = std::string(name);
    tags_ = tags;
    open_series();
    return {};
  }

  Result<void> rows(const RowBatch& batch) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      if (is_chunked() && rows_in_chunk_ == options_.chunk_rows) {
        TRY(end_series(true));
        TRY(end_chunk(true));
        open_series();
      }
      add_row(batch, i);
    }
    if (json_.size() > options_.bytes_max) {
      return fail(ErrorCode::kTooLarge, "the answer has more than {} bytes; ask for it with chunked=true, or narrow the query", options_.bytes_max);
    }
    return {};
  }

  Result<void> empty_series(std::string_view name) override { return begin_series(name, {}); }

  void warn(std::string_view text) override { warnings_.emplace_back(text); }

  Result<void> end_statement(const std::optional<std::string>& error) override {
    if (error) {
      // A result is either rows or an error.
      json_.back_to(at_statement_);
      in_series_ = has_series_ = false;
      open_statement();
      add_warnings();
      json_.key("error");
      json_.string(*error);
    } else {
      TRY(end_series(false));
      close_series_list();
      add_warnings();
    }
    json_.close('}');
    if (!is_chunked()) return {};
    return emit_document();
  }

  Result<void> finish() override {
    if (is_chunked()) return {};
    return emit_document();
  }

 private:
  bool is_chunked() const { return options_.chunk_rows > 0; }

  void open_document() {
    json_.open('{');
    json_.key("results");
    json_.open('[');
  }

  void open_statement() {
    if (is_chunked() && json_.size() == 0) open_document();
    json_.open('{');
    json_.key("statement_id");
    json_.number(static_cast<int64_t>(id_));
    has_series_ = false;
    in_series_ = false;
  }

  void open_series() {
    if (!has_series_) {
      json_.key("series");
      json_.open('[');
      has_series_ = true;
    }
    in_series_ = true;
    rows_in_chunk_ = 0;
    json_.open('{');
    if (!name_.empty()) {
      json_.key("name");
      json_.string(name_);
    }
    if (!tags_.empty()) {
      json_.key("tags");
      json_.open('{');
      for (const auto& [key, value] : tags_) {
        json_.key(key);
        json_.string(value);
      }
      json_.close('}');
    }
    json_.key("columns");
    json_.open('[');
    for (const std::string& name : names_) json_.string(name);
    json_.close(']');
  }

  void add_row(const RowBatch& batch, size_t index) {
    if (rows_in_chunk_++ == 0) {
      json_.key("values");
      json_.open('[');
    }
    json_.open('[');
    if (has_time_) add_time(batch.times_ns[index]);
    for (const Value& value : batch.row(index)) json_.value(value);
    json_.close(']');
  }

  void add_time(int64_t time_ns) {
    if (options_.epoch_ns) return json_.number(time_ns / *options_.epoch_ns);
    json_.string(zone_ ? format_time(time_ns, *zone_) : format_time(time_ns));
  }

  Result<void> end_series(bool is_partial) {
    if (!in_series_) return {};
    if (rows_in_chunk_ > 0) json_.close(']');
    add_partial(is_partial);
    json_.close('}');
    in_series_ = false;
    return {};
  }

  void close_series_list() {
    if (has_series_) json_.close(']');
    has_series_ = false;
  }

  void add_partial(bool is_partial) {
    if (!is_partial) return;
    json_.key("partial");
    json_.boolean(true);
  }

  void add_warnings() {
    if (warnings_.empty()) return;
    json_.key("messages");
    json_.open('[');
    for (const std::string& text : warnings_) {
      json_.open('{');
      json_.key("level");
      json_.string("warning");
      json_.key("text");
      json_.string(text);
      json_.close('}');
    }
    json_.close(']');
  }

  // Sends what there is of the statement and opens it again.
  Result<void> end_chunk(bool is_partial) {
    close_series_list();
    add_partial(is_partial);
    json_.close('}');
    TRY(emit_document());
    at_statement_ = json_.mark();
    open_statement();
    return {};
  }

  Result<void> emit_document() {
    json_.close(']');
    json_.close('}');
    json_.append_line_end();
    return emit_(json_.take());
  }

  ResponseOptions options_;
  EmitPiece emit_;
  JsonText json_;
  size_t id_ = 0;
  JsonText::Mark at_statement_{};
  std::vector<std::string> names_;
  bool has_time_ = false;
  std::shared_ptr<const TimeZone> zone_;
  std::vector<std::string> warnings_;
  std::string name_;
  SeriesTags tags_;
  bool has_series_ = false;  // the list of series is open
  bool in_series_ = false;   // and a series in it
  uint64_t rows_in_chunk_ = 0;
};

}  // namespace

std::unique_ptr<ResultSink> make_json_response(const ResponseOptions& options, EmitPiece emit) {
  return std::make_unique<JsonResponse>(options, std::move(emit));
}

std::unique_ptr<ResultSink> make_response(Format format, const ResponseOptions& options, EmitPiece emit) {
  switch (format) {
    case Format::kCsv: return make_csv_response(options, std::move(emit));
    case Format::kMessagePack: return make_msgpack_response(options, std::move(emit));
    case Format::kJson: break;
  }
  return make_json_response(options, std::move(emit));
}

std::string error_response(Format format, bool pretty, std::string_view message) {
  if (format == Format::kCsv) return csv_error(message);
  if (format == Format::kMessagePack) return msgpack_error(message);
  JsonText json(pretty);
  json.open('{');
  json.key("error");
  json.string(message);
  json.close('}');
  json.append_line_end();
  return json.take();
}

}  // namespace campanile::query::influxql
