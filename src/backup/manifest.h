// Manifest: what one backup consists of, as text. docs/format/backup.md draws it.
//
//   const std::string text = encode_manifest({.id = "20261126T053702Z", .time_ns = now, .program = "0.1.0", .files = files});
//   const Manifest manifest = TRY(parse_manifest(text));
//
// A backup exists when its manifest does. The last line is the digest of all before it, so that a damaged or shortened one is told from a whole one.
// Threads: pure functions. Errors: kCorrupt; kUnsupported for a version that this program does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace campanile::backup {

struct FileEntry {
  std::string name;    // below the data directory, '/' between folders
  uint64_t bytes = 0;
  std::string digest;  // of its content, which the pool keeps under that name
};

struct Manifest {
  std::string id;             // of the moment in UTC; ids sort as times do
  int64_t time_ns = 0;
  std::string program;        // the version that made it
  uint64_t copied_bytes = 0;  // that the pool did not have before
  std::vector<FileEntry> files;

  uint64_t bytes() const;
};

// REQUIRES: every name passes is_file_name(), every digest is_digest().
std::string encode_manifest(const Manifest& manifest);
Result<Manifest> parse_manifest(std::string_view text);

// Whether a name stays below the directory it is put into, and in one line.
bool is_file_name(std::string_view name);
// Letters, digits, '-' and '.', as make_id() gives them.
bool is_id(std::string_view text);
// "20261126T053702.123Z". REQUIRES: a time after 1970.
std::string make_id(int64_t time_ns);

}  // namespace campanile::backup
