// Retained: GET /api/v1/retained, the retained messages of the topics that match a filter, by topic (docs/api.md, "Retained messages").
//
// Threads: any loop; the work is done by `background`.
#pragma once

#include "api/background.h"
#include "base/clock.h"
#include "broker/retained_store.h"
#include "net/http_server.h"

namespace campanile::api {

class RetainedResource {
 public:
  RetainedResource(const broker::RetainedStore& store, const Clock& clock, Background background)
      : store_(store), clock_(clock), background_(std::move(background)) {}
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  const broker::RetainedStore& store_;
  const Clock& clock_;
  const Background background_;
};

}  // namespace campanile::api
