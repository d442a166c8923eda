// MqttListeners: the places where MQTT is served: mqtt.listen, and those of mqtt.listeners, each over its transport into the broker.
//
//   auto mqtt = TRY(MqttListeners::open(config, loops, broker));
//   print(mqtt->address());               // of mqtt.listen
//   mqtt->reload_tls();                   // on SIGHUP
//
// Threads: open() and close() at start and stop; the rest from any. Ownership: loops and broker outlive it.
// Errors: what the listener answers, with its name in front.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "app/tls_watch.h"
#include "base/result.h"
#include "broker/broker.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace campanile::app {

class MqttListeners {
 public:
  struct Status {
    std::string name;
    std::string protocol;
    std::string address;
    std::string mount;
    size_t connections = 0;
  };

  static Result<std::unique_ptr<MqttListeners>> open(const Config& config, net::EventLoopPool& loops, broker::Broker& broker);

  net::Address address() const { return open_.front().listener->address(); }
  size_t connections() const;
  std::vector<Status> status() const;
  // Reads certificates again, soon.
  void reload_tls() { watch_->reload_now(); }
  // Stops accepting.
  void close();

 private:
  struct Open {
    std::string name;
    std::string protocol;
    std::string mount;
    std::unique_ptr<net::TcpListener> listener;
  };

  Result<void> open_default(const Config& config, net::EventLoopPool& loops, broker::Broker& broker);
  Result<void> open_one(const Config& config, const ListenerConfig& listener, net::EventLoopPool& loops, broker::Broker& broker);

  std::vector<Open> open_;  // the first: mqtt.listen
  std::vector<TlsWatch::Watched> watched_;
  std::optional<TlsWatch> watch_;
};

}  // namespace campanile::app
