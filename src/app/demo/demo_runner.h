// DemoRunner: plays the emulated campus to an MQTT server, as the real one would: a TCP connection for each sensor module.
//
//   DemoRunner runner({.server = mqtt_address, .seed = 1}, clock);
//   runner.start();
//   runner.wait_for_history(std::chrono::seconds(5));   // the last quarter of an hour is stored
//   ...
//   runner.stop();
//
// First the history goes out with QoS 1, as fast as it is acknowledged; then each reading when it is due, with QoS 0 as the devices do. A
// module that loses its connection comes back with growing pauses up to five seconds. Modules answer commands (demo/commands.h).
// Threads: one event loop of its own; start(), stop() and the rest from any one thread.
// Limits: history waits in memory, about a megabyte for all; what is due while a module is away is lost, as it is in the field.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/tcp.h"

namespace campanile::app::demo {

struct DemoOptions {
  net::Address server;
  uint64_t seed = 1;
  std::chrono::seconds history{15 * 60};
  std::optional<std::string> user;
  std::optional<std::string> password;
};

struct DemoStatus {
  size_t modules = 0;
  size_t connected = 0;
  uint64_t history_messages = 0;  // acknowledged by now
  uint64_t live_messages = 0;
  bool history_done = false;
};

class DemoRunner {
 public:
  DemoRunner(DemoOptions options, const Clock& clock);
  ~DemoRunner();
  DemoRunner(const DemoRunner&) = delete;
  DemoRunner& operator=(const DemoRunner&) = delete;

  void start();
  // Waits until all of the history is acknowledged; false where the limit came first.
  bool wait_for_history(std::chrono::milliseconds limit);
  DemoStatus status() const;
  // Disconnects every module and joins the loop. Idempotent.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campanile::app::demo
