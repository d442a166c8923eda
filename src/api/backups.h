// Backups: POST /api/v1/backups begins one, GET tells how it is doing and which there are (docs/api.md).
//
// Where accounts exist only somebody with an account may begin one, also while others are let in without a name.
// Threads: handlers on any loop; the work is done by `background`, and the backup itself by its own thread.
#pragma once

#include "api/background.h"
#include "backup/service.h"
#include "net/http_server.h"
#include "registry/accounts.h"

namespace campanile::api {

class BackupsResource {
 public:
  BackupsResource(backup::Service& backups, const registry::Accounts& accounts, Background background);
  void start(net::HttpRequest request, net::HttpResponder responder);
  void list(net::HttpRequest request, net::HttpResponder responder);

 private:
  backup::Service& backups_;
  const registry::Accounts& accounts_;
  Background background_;
};

}  // namespace campanile::api
