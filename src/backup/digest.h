// Digest: SHA-256 of bytes that come in pieces, in hexadecimal as sha256sum prints it.
//
//   Digest digest;
//   digest.add("abc");
//   digest.hex();          // "ba7816bf…", once
//
// Threads: one owner.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/evp.h>

namespace campanile::backup {

inline constexpr size_t kDigestDigits = 64;

class Digest {
 public:
  Digest();
  void add(std::string_view bytes);
  // REQUIRES: called once, last.
  std::string hex();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

// Whether `text` looks like what hex() answers.
bool is_digest(std::string_view text);

}  // namespace campanile::backup
