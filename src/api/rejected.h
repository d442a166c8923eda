// Rejected: GET /api/v1/rejected, the messages that could not be decoded, newest first (docs/api.md).
//
// Threads: handle() on any loop; the work is done by `background`.
#pragma once

#include "api/background.h"
#include "ingest/rejected.h"
#include "net/http_server.h"

namespace campanile::api {

class RejectedResource {
 public:
  RejectedResource(const ingest::RejectedStore& store, Background background);
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  net::HttpResponse answer(size_t limit, uint64_t before) const;

  const ingest::RejectedStore& store_;
  Background background_;
};

}  // namespace campanile::api
