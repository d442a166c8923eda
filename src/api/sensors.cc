#include "api/sensors.h"

#include "api/answers.h"
#include "api/gzip.h"

namespace campanile::api {

SensorsResource::SensorsResource(SensorDirectory& directory, const Clock& clock, Background background)
    : directory_(directory), clock_(clock), background_(std::move(background)) {}

void SensorsResource::handle(net::HttpRequest request, net::HttpResponder responder) {
  const bool compressed = accepts_gzip(request.header("Accept-Encoding").value_or(""));
  run_answer(background_, std::move(responder), [this, compressed] { return answer(compressed); });
}

net::HttpResponse SensorsResource::answer(bool compressed) {
  directory_.refresh();
  directory_.poll({});
  std::string body = fmt::format("{{\"time_ms\":{},\"sensors\":[", to_ms(clock_.now_ns()));
  directory_.visit([&](size_t index, const Sensor& sensor) {
    if (index > 0) body += ',';
    body += sensor_json(sensor);
  });
  body += "]}\n";
  net::HttpResponse made{.status = 200, .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"Vary", "Accept-Encoding"}}};
  if (compressed) made.headers.emplace_back("Content-Encoding", "gzip");
  made.body = compressed ? gzip(body) : std::move(body);
  return made;
}

}  // namespace campanile::api
