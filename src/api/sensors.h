// Sensors: GET /api/v1/sensors, every sensor with its place and newest value (docs/api.md).
//
// Threads: handle() on any loop; the work is done by `background`.
#pragma once

#include "api/background.h"
#include "api/sensor_directory.h"
#include "net/http_server.h"

namespace campanile::api {

class SensorsResource {
 public:
  SensorsResource(SensorDirectory& directory, const Clock& clock, Background background);
  void handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  net::HttpResponse answer(bool compressed);

  SensorDirectory& directory_;
  const Clock& clock_;
  Background background_;
};

}  // namespace campanile::api
