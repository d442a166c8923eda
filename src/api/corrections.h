// Corrections: POST /api/v1/corrections scales the values of a field in a range of times, or sets them; every value once (docs/api.md).
//
//   {"database": "campus", "measurement": "data", "where": "room = '302'", "field": "value", "start": "2026-01-01T00:00:00Z",
//    "end": "2026-01-31T00:00:00Z", "factor": 1.02, "offset": -0.5, "reason": "calibrated against the reference", "dry_run": true}
//
// Threads: handle() on any loop; the work is done by `background`, and recorded in the audit log in the requester's name.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "api/background.h"
#include "audit/audit_log.h"
#include "base/clock.h"
#include "net/http_server.h"
#include "tsdb/engine.h"

namespace campanile::api {

// A request, read, but for what `where` asks of tags.
struct CorrectionOrder {
  std::string database;
  std::string retention_policy;  // empty: the default one
  std::vector<std::string> measurements;
  std::string where;
  std::string reason;
  bool dry_run = false;
  tsdb::CorrectionRequest request;  // the field, the range and the correction
};

// Errors: kInvalidArgument naming the member, what it was and what is wanted.
Result<CorrectionOrder> read_correction(std::string_view body);

class CorrectionsResource {
 public:
  // Values are looked at before the first is changed; that takes at most `timeout`, 0: however long.
  CorrectionsResource(tsdb::Engine& engine, audit::AuditLog& log, const Clock& clock, std::chrono::seconds timeout, Background background);
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  net::HttpResponse answer(const CorrectionOrder& order, const std::string& body, const std::string& who) const;

  tsdb::Engine& engine_;
  audit::AuditLog& log_;
  const Clock& clock_;
  const std::chrono::seconds timeout_;
  Background background_;
};

}  // namespace campanile::api
