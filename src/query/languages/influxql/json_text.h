// JsonText: JSON built piece by piece, spelled byte for byte as Go's encoding/json spells it, since clients of InfluxDB see that.
//
//   JsonText json(false);
//   json.open('{'); json.key("name"); json.string("cpu"); json.close('}');
//   json.take();      // {"name":"cpu"}
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "query/value.h"

namespace campanile::query::influxql {

class JsonText {
 public:
  // `pretty`: a line for each element, four blanks a level.
  explicit JsonText(bool pretty) : pretty_(pretty) {}

  void open(char bracket);
  void close(char bracket);
  void key(std::string_view name);
  void string(std::string_view text);
  void number(int64_t value);
  void boolean(bool value);
  void null();
  void value(const Value& value);

  size_t size() const { return text_.size(); }
  // Goes back to an earlier size, at which `depth` brackets were open and the last one was empty or not.
  struct Mark {
    size_t size;
    size_t depth;
    bool empty;
  };
  Mark mark() const { return {text_.size(), depth_, empty_}; }
  void back_to(const Mark& mark);
  void append_line_end() { text_ += '\n'; }
  std::string take();

 private:
  void begin_element();
  void line();

  bool pretty_;
  std::string text_;
  size_t depth_ = 0;
  bool empty_ = true;      // the innermost bracket has no element yet
  bool after_key_ = false;
};

// Go's shortest form: an exponent below 1e-6 and from 1e21 on.
std::string format_float(double value);
// Never an exponent, as CSV has it.
std::string format_float_fixed(double value);

}  // namespace campanile::query::influxql
