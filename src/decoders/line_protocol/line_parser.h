// LineParser: reads one line of line protocol after another, in a single pass over the body.
//
//   LineParser parser(body, options, cursor, batch, errors);
//   while (parser.skip_to_line()) parser.parse_line();
//
// The rules are InfluxDB 1.8's, found by asking it: a comma, a space or an equals sign right after a backslash is part of the name; a
// string in quotes may hold anything, line feeds included. Two deviations: a carriage return before a line feed ends the line instead of
// spoiling it, and bytes after a closing quote are an error instead of being dropped.
// Threads and ownership: a parser lives for one call; it writes to the batch, the errors and the cursor it was given.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "decoders/line_protocol/line_protocol.h"

namespace campanile::decoders {

class LineParser {
 public:
  LineParser(std::string_view body, const LineOptions& options, LineCursor& cursor, PointBatch& batch, LineErrors& errors);

  // Moves over blank lines and comments onto the next line; false at the end of the body.
  bool skip_to_line();
  // Adds the line's point, or an error. REQUIRES: skip_to_line() returned true.
  void parse_line();

 private:
  // A name as it stands, and what its backslashes do.
  struct Name {
    std::string_view raw;
    bool has_backslash = false;
    bool has_escaped_equals = false;
  };

  // Each step leaves at_ behind what it read, or says in reason_ why the line is bad and returns false.
  bool parse_series();
  bool take_known_series();
  bool parse_tags();
  bool parse_tag();
  bool parse_fields();
  bool parse_field();
  bool parse_value(std::string_view name);
  bool parse_string(std::string_view name);
  bool parse_boolean(std::string_view name);
  bool parse_time();
  bool refuse_duplicate_tags();
  void begin_point(std::string_view prefix);
  void add_route_tags();
  void add_field(std::string_view name, FieldValue value);
  bool bad(std::string reason);

  // Reads up to the next unescaped comma, space or line feed, or equals sign unless `takes_equals`.
  Name scan_name(bool takes_equals);
  std::string_view unescape(const Name& name);
  std::string_view unescape_string(const char* begin, const char* end);
  void skip_blanks();
  void skip_rest_of_line();
  bool is_line_end() const;
  // The end of the line that begins at `begin`: how far a bad line goes. Quotes are followed where a value begins with one.
  const char* find_line_end(const char* begin) const;
  void report(const char* line_begin);

  const char* at_;
  const char* const end_;
  const char* const body_;
  const LineOptions& options_;
  LineCursor& cursor_;
  PointBatch& batch_;
  LineErrors& errors_;

  // Of the line at hand.
  std::string_view measurement_;
  std::vector<Tag> tags_;
  bool tags_sorted_ = true;
  bool is_canonical_ = true;
  bool is_open_ = false;  // the batch's point
  size_t fields_ = 0;
  bool has_time_field_ = false;
  bool is_dropped_ = false;  // the reason is a name that cannot be, not a mistake of form
  std::string reason_;
};

}  // namespace campanile::decoders
