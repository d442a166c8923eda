// Topics: GET /api/v1/topics, the tree of topics that carry messages, level by level, and one topic's last message (docs/api.md, "Topics").
//
// Asking is what makes the broker count messages by topic; it stops when nobody has asked for twenty seconds.
// Threads: any loop; the work is done by `background`. Limits: kPathsMax paths a request, 500 levels a path (TopicQuery).
#pragma once

#include "api/background.h"
#include "base/clock.h"
#include "broker/broker.h"
#include "net/http_server.h"

namespace campanile::api {

class TopicsResource {
 public:
  static constexpr size_t kPathsMax = 200;

  TopicsResource(broker::Broker& broker, const Clock& clock, Background background)
      : broker_(broker), clock_(clock), background_(std::move(background)) {}
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  net::HttpResponse answer(const broker::TopicQuery& query) const;

  broker::Broker& broker_;
  const Clock& clock_;
  const Background background_;
};

}  // namespace campanile::api
