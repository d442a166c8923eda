// Program: every part of Campanile, made in order, connected to each other, and stopped in order.
//
//   auto program = TRY(Program::start(config, data_directory.path(), clock));
//   print(program->http_address());
//   ...
//   program->stop();
//
// Here, and only here, a port of one layer meets what serves it in another.
// Threads: start() and stop() from one thread. stop() takes well under two seconds: heads stay in the journal and are replayed at the next start.
#pragma once

#include <filesystem>
#include <memory>

#include "app/config/config.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/tcp.h"

namespace campanile::app {

class Program {
 public:
  // Errors: what the parts answer, with the part's name in front.
  static Result<std::unique_ptr<Program>> start(const Config& config, const std::filesystem::path& data, const Clock& clock);
  ~Program();

  net::Address http_address() const;
  net::Address mqtt_address() const;  // of mqtt.listen
  // Reads certificates, keys and revocation lists again; any thread.
  void reload_tls();
  void stop();

 private:
  struct Parts;
  explicit Program(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace campanile::app
