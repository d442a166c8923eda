// Manifests of backups: what is parsed is written as it was, and its names stay below their directory.

#include <cstddef>
#include <cstdint>

#include "backup/digest.h"
#include "backup/manifest.h"
#include "base/check.h"

using namespace campanile;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)backup::parse_manifest(text);
  // With the checksum that it should have, so that the rest is reached.
  backup::Digest digest;
  digest.add(text);
  const auto manifest = backup::parse_manifest(std::string(text) + "sha256 " + digest.hex() + "\n");
  if (!manifest) return 0;
  for (const backup::FileEntry& file : manifest->files) CHECK(backup::is_file_name(file.name));
  const auto again = backup::parse_manifest(backup::encode_manifest(*manifest));
  CHECK(again && again->id == manifest->id && again->files.size() == manifest->files.size());
  return 0;
}
