#include "ingest/gunzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace campanile::ingest {
namespace {

std::string gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Gunzip, UnpacksWhatWasPacked) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{16'384}, size_t{16'385}, size_t{1'000'000}}) {
    std::string text(size, 'x');
    for (size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('a' + i % 26);
    EXPECT_EQ(gunzip(gzip(text), 1 << 20).value(), text) << size;
  }
}

TEST(Gunzip, SeveralMembersAreOneBody) {
  EXPECT_EQ(gunzip(gzip("one\n") + gzip("") + gzip("two\n"), 100).value(), "one\ntwo\n");
}

TEST(Gunzip, StopsAtItsLimit) {
  EXPECT_EQ(gunzip(gzip(std::string(1000, 'x')), 1000).value().size(), 1000u);
  EXPECT_EQ(gunzip(gzip(std::string(1001, 'x')), 1000).error().code, ErrorCode::kTooLarge);
  const std::string bomb = gzip(std::string(50 << 20, '\0'));
  ASSERT_LT(bomb.size(), 100'000u);
  EXPECT_EQ(gunzip(bomb, 1 << 20).error().message, "the body unpacks to more than 1048576 bytes");
}

TEST(Gunzip, RefusesDamage) {
  const std::string packed = gzip("cpu value=1\n");
  EXPECT_EQ(gunzip("", 100).error().message, "the gzip body ends too early");
  for (size_t cut = 1; cut < packed.size(); ++cut) EXPECT_FALSE(gunzip(packed.substr(0, cut), 100).has_value()) << cut;
  EXPECT_TRUE(gunzip("cpu value=1", 100).error().message.starts_with("the body is not gzip, though its Content-Encoding says so"));
  std::string wrong_checksum = packed;
  wrong_checksum[packed.size() - 6] = static_cast<char>(wrong_checksum[packed.size() - 6] ^ 1);
  EXPECT_FALSE(gunzip(wrong_checksum, 100).has_value());
  EXPECT_FALSE(gunzip(packed + "trailing", 100).has_value());
}

}  // namespace
}  // namespace campanile::ingest
