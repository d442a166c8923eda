// Publish: POST /api/v1/publish, one message as if a client had sent it (docs/api.md, "Publish"). Answered once it is on disk.
//
// Threads: any loop. Limits: the broker's for a message, options.local_messages_max of them under way (503).
#pragma once

#include "broker/broker.h"
#include "net/http_server.h"

namespace campanile::api {

class PublishResource {
 public:
  explicit PublishResource(broker::Broker& broker) : broker_(broker) {}
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  broker::Broker& broker_;
};

// {"topic":…, "payload":…, "qos":…, "retain":…}; "payload_base64" in place of "payload" for what is no text.
// Errors: kInvalidArgument naming the member.
Result<broker::OwnMessage> read_message(std::string_view body);

}  // namespace campanile::api
