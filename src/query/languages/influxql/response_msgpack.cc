#include <bit>
#include <utility>

#include "query/languages/influxql/msgpack_text.h"
#include "query/languages/influxql/response_forms.h"

namespace campanile::query::influxql {

void MsgpackText::big_endian(uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) bytes_ += static_cast<char>(value >> shift);
}

void MsgpackText::head(size_t count, uint8_t mark, size_t short_max, uint8_t wide) {
  if (count <= short_max) {
    bytes_ += static_cast<char>(mark | count);
  } else if (count <= UINT16_MAX) {
    bytes_ += static_cast<char>(wide);
    big_endian(count, 2);
  } else {
    bytes_ += static_cast<char>(wide + 1);
    big_endian(count, 4);
  }
}

void MsgpackText::string(std::string_view text) {
  if (text.size() > 31 && text.size() <= UINT8_MAX) {
    bytes_ += static_cast<char>(0xd9);
    big_endian(text.size(), 1);
  } else {
    head(text.size(), 0xa0, 31, 0xda);
  }
  bytes_ += text;
}

void MsgpackText::integer(int64_t value) {
  if (value >= -32 && value <= INT8_MAX) {
    bytes_ += static_cast<char>(value);
    return;
  }
  const int bytes = value == static_cast<int8_t>(value) ? 1 : value == static_cast<int16_t>(value) ? 2 : value == static_cast<int32_t>(value) ? 4 : 8;
  bytes_ += static_cast<char>(0xd0 + std::countr_zero(static_cast<unsigned>(bytes)));
  big_endian(static_cast<uint64_t>(value), bytes);
}

void MsgpackText::value(const Value& value) {
  if (!value) return nil();
  switch (value->type()) {
    case FieldType::kFloat:
      bytes_ += static_cast<char>(0xcb);
      return big_endian(std::bit_cast<uint64_t>(value->as_float()), 8);
    case FieldType::kInteger: return integer(value->as_integer());
    case FieldType::kUnsigned:
      if (value->as_unsigned() <= INT64_MAX) return integer(static_cast<int64_t>(value->as_unsigned()));
      bytes_ += static_cast<char>(0xcf);
      return big_endian(value->as_unsigned(), 8);
    case FieldType::kBoolean: return boolean(value->as_boolean());
    case FieldType::kString: return string(value->as_string());
  }
}

void MsgpackText::time(int64_t time_ns) {
  constexpr int64_t kSecondNs = 1'000'000'000;
  int64_t seconds = time_ns / kSecondNs;
  int64_t rest = time_ns % kSecondNs;
  if (rest < 0) {
    rest += kSecondNs;
    --seconds;
  }
  bytes_ += "\xc7\x0c\x05";
  big_endian(static_cast<uint64_t>(seconds), 8);
  big_endian(static_cast<uint64_t>(rest), 4);
}

namespace {

// {"results":[{"statement_id":0,"messages":[…],"series":[{"name":…,"tags":…,"columns":…,"values":[…],"partial":true}],"partial":true}]}; of a failed statement
// {"error":…} alone. Counts come first, so rows, series and results are put aside until each is whole.
class MsgpackResponse final : public ResultSink {
 public:
  MsgpackResponse(const ResponseOptions& options, EmitPiece emit) : options_(options), emit_(std::move(emit)) {}

  void begin_statement(size_t id) override {
    id_ = id;
    names_.clear();
    warnings_.clear();
    in_series_ = false;
    clear_series();
  }

  void columns(std::vector<std::string> names, bool has_time, std::shared_ptr<const TimeZone>) override {
    names_ = std::move(names);
    has_time_ = has_time;
  }

  Result<void> begin_series(std::string_view name, const SeriesTags& tags) override {
    end_series(false);
    if (is_chunked() && series_count_ > 0) TRY(end_chunk(true));
    name_ = std::string(name);
    tags_ = tags;
    in_series_ = true;
    return {};
  }

  Result<void> rows(const RowBatch& batch) override {
    for (size_t i = 0; i < batch.size(); ++i) {
      if (is_chunked() && row_count_ == options_.chunk_rows) {
        end_series(true);
        TRY(end_chunk(true));
        in_series_ = true;
      }
      add_row(batch, i);
    }
    if (rows_.size() + series_.size() + results_.size() > options_.bytes_max) {
      return fail(ErrorCode::kTooLarge, "the answer has more than {} bytes; ask for it with chunked=true, or narrow the query", options_.bytes_max);
    }
    return {};
  }

  Result<void> empty_series(std::string_view name) override { return begin_series(name, {}); }

  void warn(std::string_view text) override { warnings_.emplace_back(text); }

  Result<void> end_statement(const std::optional<std::string>& error) override {
    if (error) {
      clear_series();
      ++result_count_;
      results_.map(1);
      results_.string("error");
      results_.string(*error);
    } else {
      end_series(false);
      end_result(false);
    }
    return is_chunked() ? emit_document() : Result<void>();
  }

  Result<void> finish() override { return is_chunked() ? Result<void>() : emit_document(); }

 private:
  bool is_chunked() const { return options_.chunk_rows > 0; }

  void clear_series() {
    rows_.clear();
    series_.clear();
    row_count_ = series_count_ = 0;
    in_series_ = false;
  }

  void add_row(const RowBatch& batch, size_t row) {
    ++row_count_;
    rows_.array(names_.size());
    if (has_time_ && options_.epoch_ns) rows_.integer(batch.times_ns[row] / *options_.epoch_ns);
    if (has_time_ && !options_.epoch_ns) rows_.time(batch.times_ns[row]);
    for (const Value& value : batch.row(row)) rows_.value(value);
  }

  void end_series(bool partial) {
    if (!std::exchange(in_series_, false)) return;
    ++series_count_;
    series_.map(2 + (name_.empty() ? 0 : 1) + (tags_.empty() ? 0 : 1) + (partial ? 1 : 0));
    if (!name_.empty()) {
      series_.string("name");
      series_.string(name_);
    }
    if (!tags_.empty()) {
      series_.string("tags");
      series_.map(tags_.size());
      for (const auto& [key, value] : tags_) {
        series_.string(key);
        series_.string(value);
      }
    }
    series_.string("columns");
    series_.array(names_.size());
    for (const std::string& name : names_) series_.string(name);
    series_.string("values");
    series_.array(row_count_);
    series_.append(rows_);
    if (partial) {
      series_.string("partial");
      series_.boolean(true);
    }
    rows_.clear();
    row_count_ = 0;
  }

  void end_result(bool partial) {
    ++result_count_;
    results_.map(2 + (warnings_.empty() ? 0 : 1) + (partial ? 1 : 0));
    results_.string("statement_id");
    results_.integer(static_cast<int64_t>(id_));
    if (!warnings_.empty()) {
      results_.string("messages");
      results_.array(warnings_.size());
      for (const std::string& warning : warnings_) {
        results_.map(2);
        results_.string("level");
        results_.string("warning");
        results_.string("text");
        results_.string(warning);
      }
    }
    results_.string("series");
    results_.array(series_count_);
    results_.append(series_);
    if (partial) {
      results_.string("partial");
      results_.boolean(true);
    }
    series_.clear();
    series_count_ = 0;
  }

  Result<void> end_chunk(bool partial) {
    end_result(partial);
    return emit_document();
  }

  Result<void> emit_document() {
    MsgpackText document;
    document.map(1);
    document.string("results");
    document.array(std::exchange(result_count_, 0));
    document.append(results_);
    results_.clear();
    return emit_(document.take());
  }

  const ResponseOptions options_;
  const EmitPiece emit_;
  size_t id_ = 0;
  std::vector<std::string> names_;
  bool has_time_ = false;
  std::vector<std::string> warnings_;
  std::string name_;
  SeriesTags tags_;
  bool in_series_ = false;
  MsgpackText rows_;
  MsgpackText series_;
  MsgpackText results_;
  size_t row_count_ = 0;
  size_t series_count_ = 0;
  size_t result_count_ = 0;
};

}  // namespace

std::unique_ptr<ResultSink> make_msgpack_response(const ResponseOptions& options, EmitPiece emit) {
  return std::make_unique<MsgpackResponse>(options, std::move(emit));
}

std::string msgpack_error(std::string_view message) {
  MsgpackText text;
  text.map(1);
  text.string("error");
  text.string(message);
  return text.take();
}

}  // namespace campanile::query::influxql
