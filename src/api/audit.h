// Audit: GET /api/v1/audit, who erased and corrected what, newest first, as one JSON object or as JSON lines (docs/api.md).
//
// Threads: handle() on any loop; the work is done by `background`.
#pragma once

#include "api/background.h"
#include "audit/audit_log.h"
#include "net/http_server.h"

namespace campanile::api {

class AuditResource {
 public:
  AuditResource(const audit::AuditLog& log, Background background);
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  net::HttpResponse answer(const audit::AuditFilter& filter) const;
  void send_lines(audit::AuditFilter filter, net::HttpResponder& responder) const;

  const audit::AuditLog& log_;
  Background background_;
};

}  // namespace campanile::api
