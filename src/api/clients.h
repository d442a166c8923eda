// Clients: who is connected to the broker, or away with a session (docs/api.md, "Clients").
//
//   GET    /api/v1/clients                     a page of them, by client identifier
//   GET    /api/v1/clients/{id}                one, with its subscriptions
//   DELETE /api/v1/clients/{id}?end_session=   ends its connection, and its session where asked
//   GET    /api/v1/subscriptions               a page of everybody's
//
// Threads: any loop; the work is done by `background`, and on the loops of the connections it looks at.
#pragma once

#include "api/background.h"
#include "broker/broker.h"
#include "net/http_server.h"

namespace campanile::api {

class ClientsResource {
 public:
  ClientsResource(broker::Broker& broker, Background background) : broker_(broker), background_(std::move(background)) {}

  void list(net::HttpRequest request, net::HttpResponder responder);
  void show(net::HttpRequest request, net::HttpResponder responder);
  void disconnect(net::HttpRequest request, net::HttpResponder responder);
  void subscriptions(net::HttpRequest request, net::HttpResponder responder);

 private:
  broker::Broker& broker_;
  const Background background_;
};

}  // namespace campanile::api
