#include "backup/manifest.h"

#include <gtest/gtest.h>

#include "backup/digest.h"
#include "base/clock.h"

namespace campanile::backup {
namespace {

constexpr std::string_view kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-2, B.1

Manifest example() {
  return {.id = "20261126T053702.123Z",
          .time_ns = 1'790'000'000'123 * kNanosPerMilli,
          .program = "0.1.0",
          .copied_bytes = 3,
          .files = {{"journal/00000000000000000000.log", 3, std::string(kAbc)}, {"certificates/été 2.pem", 0, std::string(kAbc)}}};
}

std::string resealed(std::string text) {
  text.resize(text.rfind("sha256 "));
  Digest digest;
  digest.add(text);
  return text + "sha256 " + digest.hex() + "\n";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Manifest, ComesBackAsItWasWritten) {
  const Manifest before = example();
  const auto after = parse_manifest(encode_manifest(before));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->id, before.id);
  EXPECT_EQ(after->time_ns, before.time_ns);
  EXPECT_EQ(after->program, before.program);
  EXPECT_EQ(after->copied_bytes, before.copied_bytes);
  ASSERT_EQ(after->files.size(), 2u);
  EXPECT_EQ(after->files[1].name, before.files[1].name);
  EXPECT_EQ(after->files[0].bytes, 3u);
  EXPECT_EQ(after->files[0].digest, kAbc);
  EXPECT_EQ(after->bytes(), 3u);
}

TEST(Manifest, HasTheDigestsOfSha256sum) {
  Digest digest;
  digest.add("a");
  digest.add("bc");
  EXPECT_EQ(digest.hex(), kAbc);
}

TEST(Manifest, AnyChangedByteAndAnyCutIsTold) {
  const std::string text = encode_manifest(example());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_FALSE(parse_manifest(changed)) << i;
    EXPECT_FALSE(parse_manifest(text.substr(0, i))) << i;
  }
  EXPECT_FALSE(parse_manifest(text + "x"));
}

TEST(Manifest, ALaterVersionIsNotGuessedAt) {
  const auto parsed = parse_manifest(replaced(encode_manifest(example()), "campanile backup 1", "campanile backup 2"));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::kUnsupported);
}

// Whoever can write the file can write its checksum too: no name may lead out of the directory that is restored into.
TEST(Manifest, NamesStayBelowTheirDirectory) {
  const std::string text = encode_manifest(example());
  for (const std::string_view name : {"/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", ".", "a\tb"}) {
    EXPECT_FALSE(is_file_name(name)) << name;
    const auto parsed = parse_manifest(resealed(replaced(text, "journal/00000000000000000000.log", name)));
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_TRUE(is_file_name("a..b/...c"));
  EXPECT_FALSE(parse_manifest(resealed(replaced(text, "id 2", "id ../2"))));
  EXPECT_FALSE(parse_manifest(resealed(replaced(text, "certificates/été 2.pem", "journal/00000000000000000000.log")))) << "twice";
  EXPECT_FALSE(parse_manifest(resealed(replaced(text, "files 2", "files 3"))));
}

TEST(Manifest, IdsSortAsTimesDo) {
  EXPECT_EQ(make_id(0), "19700101T000000.000Z");
  EXPECT_EQ(make_id(1'790'000'000'123 * kNanosPerMilli), "20260921T141320.123Z");
  EXPECT_LT(make_id(1'790'000'000'123 * kNanosPerMilli), make_id(1'790'000'000'124 * kNanosPerMilli));
  EXPECT_TRUE(is_id(make_id(1)));
}

}  // namespace
}  // namespace campanile::backup
