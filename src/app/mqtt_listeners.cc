#include "app/mqtt_listeners.h"

#include "app/config/listener_check.h"
#include "app/module_options.h"
#include "base/log.h"
#include "net/local_listener.h"
#include "net/transport.h"

namespace campanile::app {

Result<std::unique_ptr<MqttListeners>> MqttListeners::open(const Config& config, net::EventLoopPool& loops, broker::Broker& broker) {
  auto made = std::make_unique<MqttListeners>();
  TRY(made->open_default(config, loops, broker));
  for (const ListenerConfig& listener : config.mqtt.listeners) {
    if (auto opened = made->open_one(config, listener, loops, broker); !opened) {
      return with_context(std::move(opened.error()), fmt::format("listener {}", listener.name));
    }
  }
  made->watch_.emplace(std::move(made->watched_));
  return made;
}

Result<void> MqttListeners::open_default(const Config& config, net::EventLoopPool& loops, broker::Broker& broker) {
  const auto& profile = broker.add_listener(default_listener_profile(config));
  auto listener = TRY(net::TcpListener::listen(loops, config.mqtt.listen, mqtt_listener_options(config),
                                               [&broker, &profile](net::EventLoop& loop) { return broker.make_handler(loop, profile); }));
  open_.push_back({.name = profile.name, .protocol = profile.protocol, .mount = {}, .listener = std::move(listener)});
  return {};
}

Result<void> MqttListeners::open_one(const Config& config, const ListenerConfig& listener, net::EventLoopPool& loops, broker::Broker& broker) {
  net::TransportOptions transport = transport_options(config, listener);
  if (listener.has_tls()) {
    transport.tls = TRY(net::TlsServer::load(tls_options(listener)));
    watched_.push_back({.name = listener.name, .tls = transport.tls});
  }
  const auto& profile = broker.add_listener(listener_profile(config, listener));
  const net::TcpOptions options = mqtt_listener_options(config, listener);
  auto factory = net::over_transport(transport, [&broker, &profile](net::EventLoop& loop) { return broker.make_handler(loop, profile); });
  std::unique_ptr<net::TcpListener> opened;
  if (listener.protocol == ListenerProtocol::kUnix) {
    opened = TRY(net::listen_local(loops, {.path = listener.listen, .mode = parse_mode(listener.mode).value_or(0600)}, options, std::move(factory)));
  } else {
    opened = TRY(net::TcpListener::listen(loops, listener.address(), options, std::move(factory)));
  }
  log::info("MQTT over {} at {} (listener {})", profile.protocol, opened->address().to_string(), profile.name);
  open_.push_back({.name = profile.name, .protocol = profile.protocol, .mount = profile.mount, .listener = std::move(opened)});
  return {};
}

size_t MqttListeners::connections() const {
  size_t count = 0;
  for (const Open& one : open_) count += one.listener->connections();
  return count;
}

std::vector<MqttListeners::Status> MqttListeners::status() const {
  std::vector<Status> out;
  for (const Open& one : open_) {
    out.push_back({.name = one.name, .protocol = one.protocol, .address = one.listener->address().to_string(), .mount = one.mount,
                   .connections = one.listener->connections()});
  }
  return out;
}

void MqttListeners::close() {
  for (const Open& one : open_) one.listener->close();
}

}  // namespace campanile::app
