// Gunzip: unpacks a compressed request body, as far as a limit allows.
//
//   std::string body = TRY(gunzip(request.body, 64 << 20));
//
// Threads: pure. Limits: `bytes_max` of output, so that a small body cannot fill the memory.
// Errors: kInvalidArgument for bytes that are no gzip or end too early, kTooLarge.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace campanile::ingest {

// RFC 1952; several members one after another are one body, as gzip has it.
Result<std::string> gunzip(std::string_view bytes, size_t bytes_max);

}  // namespace campanile::ingest
