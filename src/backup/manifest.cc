#include "backup/manifest.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "backup/digest.h"
#include "base/clock.h"
#include "base/text.h"

namespace campanile::backup {
namespace {

constexpr std::string_view kFirstLine = "campanile backup 1";
constexpr std::string_view kFirstWords = "campanile backup ";
constexpr size_t kIdBytesMax = 64;
constexpr size_t kNameBytesMax = 4096;

std::string digest_of(std::string_view text) {
  Digest digest;
  digest.add(text);
  return digest.hex();
}

std::unexpected<Error> damaged(std::string_view why) { return fail(ErrorCode::kCorrupt, "{}: it is damaged, or no manifest of a backup", why); }

// Takes lines off the front of the text.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  bool done() const { return text_.empty(); }

  std::string_view next() {
    const size_t end = std::min(text_.find('\n'), text_.size());
    const std::string_view line = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    return line;
  }

  // The value of a line "key value".
  Result<std::string_view> value(std::string_view key) {
    const std::string_view line = next();
    if (line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != ' ') {
      return damaged(fmt::format("there is '{}' where a line '{} …' is wanted", excerpt(line), key));
    }
    return line.substr(key.size() + 1);
  }

  Result<uint64_t> number(std::string_view key) {
    const auto number = parse_uint64(TRY(value(key)));
    if (!number) return damaged(number.error().message);
    return *number;
  }

 private:
  std::string_view text_;
};

// "4096 <digest> journal/00000000000000000000.log"
Result<FileEntry> parse_file(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return damaged(fmt::format("the line of a file is '{}'", excerpt(line)));
  const auto bytes = parse_uint64(line.substr(0, first));
  FileEntry entry{.name = std::string(line.substr(second + 1)), .digest = std::string(line.substr(first + 1, second - first - 1))};
  if (!bytes || !is_digest(entry.digest)) return damaged(fmt::format("the line of a file is '{}'", excerpt(line)));
  if (!is_file_name(entry.name)) return damaged(fmt::format("'{}' is no name that a backup gives a file", excerpt(entry.name)));
  entry.bytes = *bytes;
  return entry;
}

// The text without its last line, which is the digest of the rest.
Result<std::string_view> checked(std::string_view text) {
  constexpr std::string_view kKey = "sha256 ";
  const size_t last_bytes = kKey.size() + kDigestDigits + 1;
  if (text.size() < last_bytes) return damaged("it is too short");
  const std::string_view body = text.substr(0, text.size() - last_bytes);
  const std::string_view last = text.substr(body.size());
  if (!last.starts_with(kKey) || last.back() != '\n' || last.substr(kKey.size(), kDigestDigits) != digest_of(body)) {
    return damaged("its last line is not the checksum of those before");
  }
  return body;
}

}  // namespace

uint64_t Manifest::bytes() const {
  uint64_t sum = 0;
  for (const FileEntry& file : files) sum += file.bytes;
  return sum;
}

std::string encode_manifest(const Manifest& manifest) {
  std::string text = fmt::format("{}\nid {}\ntime_ms {}\nprogram {}\ncopied_bytes {}\nfiles {}\n", kFirstLine, manifest.id,
                                 manifest.time_ns / kNanosPerMilli, manifest.program, manifest.copied_bytes, manifest.files.size());
  for (const FileEntry& file : manifest.files) text += fmt::format("file {} {} {}\n", file.bytes, file.digest, file.name);
  text += fmt::format("sha256 {}\n", digest_of(text));
  return text;
}

Result<Manifest> parse_manifest(std::string_view text) {
  // Before anything else, since a later version may lay out the rest in another way.
  const std::string_view first = text.substr(0, text.find('\n'));
  if (first.starts_with(kFirstWords) && first != kFirstLine) {
    return fail(ErrorCode::kUnsupported, "it says '{}', this program knows '{}': use the version that made the backup", excerpt(first), kFirstLine);
  }
  if (first != kFirstLine) return damaged(fmt::format("it does not begin with '{}'", kFirstLine));
  Lines lines(TRY(checked(text)));
  lines.next();
  Manifest manifest;
  manifest.id = TRY(lines.value("id"));
  if (!is_id(manifest.id)) return damaged(fmt::format("its id is '{}'", excerpt(manifest.id)));
  const uint64_t time_ms = TRY(lines.number("time_ms"));
  if (time_ms > static_cast<uint64_t>(INT64_MAX / kNanosPerMilli)) return damaged(fmt::format("its time_ms is {}", time_ms));
  manifest.time_ns = static_cast<int64_t>(time_ms) * kNanosPerMilli;
  manifest.program = TRY(lines.value("program"));
  manifest.copied_bytes = TRY(lines.number("copied_bytes"));
  const uint64_t count = TRY(lines.number("files"));
  std::set<std::string> names;
  while (!lines.done()) {
    manifest.files.push_back(TRY(parse_file(TRY(lines.value("file")))));
    if (!names.insert(manifest.files.back().name).second) return damaged(fmt::format("the file {} stands twice", excerpt(manifest.files.back().name)));
  }
  if (manifest.files.size() != count) return damaged(fmt::format("it names {} files and says that they are {}", manifest.files.size(), count));
  return manifest;
}

bool is_file_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) return false;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

bool is_id(std::string_view text) {
  const auto allowed = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= kIdBytesMax && text[0] != '.' && std::all_of(text.begin(), text.end(), allowed);
}

std::string make_id(int64_t time_ns) {
  const std::time_t seconds = time_ns / kNanosPerSecond;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     time_ns % kNanosPerSecond / kNanosPerMilli);
}

}  // namespace campanile::backup
