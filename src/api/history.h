// History: GET /api/v1/sensors/{id}/history, the readings of one sensor reduced to what a chart can show (docs/api.md).
//
// Threads: handle() on any loop; the work is done by `background`.
#pragma once

#include <string>

#include "api/background.h"
#include "api/sensor_directory.h"
#include "net/http_server.h"
#include "tsdb/engine.h"

namespace campanile::api {

class HistoryResource {
 public:
  HistoryResource(const SensorDirectory& directory, const tsdb::Engine& engine, const Clock& clock, Background background);
  // REQUIRES: routed from /api/v1/sensors/.
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  struct Range;
  net::HttpResponse answer(const SensorDirectory::Source& source, const std::string& id, const Range& range) const;

  const SensorDirectory& directory_;
  const tsdb::Engine& engine_;
  const Clock& clock_;
  Background background_;
};

}  // namespace campanile::api
