// Seal: POST /api/v1/seal, which brings the store into the form it would take by itself by and by (docs/api.md, "Sealing"): heads become chunks, small chunks are
// merged, the journal lets go of what is in them, the key-value store of what was overwritten.
//
// Threads: any loop; the work is done by `background`. Limits: one at a time, further ones get 503.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "api/background.h"
#include "base/result.h"
#include "net/http_server.h"

namespace campanile::api {

struct Sealed {
  uint64_t series_merged = 0;  // that had several small chunks
  uint64_t store_bytes = 0;    // on disk, afterwards
  uint64_t journal_bytes = 0;
};

class SealResource {
 public:
  SealResource(std::function<Result<Sealed>()> seal, Background background) : seal_(std::move(seal)), background_(std::move(background)) {}
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  net::HttpResponse answer();

  const std::function<Result<Sealed>()> seal_;
  const Background background_;
  std::atomic<bool> running_{false};
};

}  // namespace campanile::api
