// LoadThread: the connections of one thread of a load run: opens them, publishes, acknowledges, counts.
//
//   LoadThread thread(plan, state, index);
//   thread.run();                            // until state.phase() is kOver
//   latencies.merge(thread.delivery_latency());
//
// One epoll set, one buffer to receive into, packets encoded straight into each connection's output, which goes out in as few writes
// as possible: a core makes millions of messages a second, so that the broker is what is measured.
// Threads: run() on a thread of its own; everything else before it begins or after it has returned.
// Limits: kPendingMax connections are being opened at a time; visitors that do not get through in kVisitTimeout are counted as failed.
// Errors: a connection that fails before all are up ends the run (LoadState::give_up); one that fails later is counted by its reason.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/bench/histogram.h"
#include "app/bench/load_connection.h"
#include "app/bench/load_plan.h"
#include "app/bench/load_state.h"
#include "app/bench/payload.h"
#include "app/bench/schedule.h"
#include "mqtt/wire.h"

namespace campanile::app::bench {

class LoadThread {
 public:
  static constexpr size_t kPendingMax = 128;
  static constexpr size_t kVisitorsMax = 1'000;
  static constexpr int64_t kVisitTimeoutNs = 10'000'000'000;

  // Takes every connection whose number gives `index` modulo the number of threads.
  LoadThread(const LoadPlan& plan, LoadState& state, uint32_t index);
  ~LoadThread();

  void run();

  const Histogram& acknowledgement_latency() const { return acknowledgement_latency_; }
  const Histogram& delivery_latency() const { return delivery_latency_; }
  const std::map<std::string, uint64_t>& failures() const { return failures_; }
  // Those that publish, subscribe or are idle, for the final account.
  const std::vector<std::unique_ptr<LoadConnection>>& connections() const { return connections_; }

 private:
  // load_thread.cc: the life of connections
  bool step();
  void follow_phase();
  void open_due(int64_t now_ns);
  void open(LoadConnection& connection);
  void log_in(LoadConnection& connection);
  void handle(LoadConnection& connection, uint32_t events);
  void go_on_connecting(LoadConnection& connection);
  void receive(LoadConnection& connection);
  size_t take_packets(LoadConnection& connection, std::string_view bytes);
  void flush(LoadConnection& connection);
  void watch(LoadConnection& connection);
  void lose(LoadConnection& connection, const std::string& why);
  void close(LoadConnection& connection);
  void came_up(LoadConnection& connection);
  void send_visitors(int64_t now_ns);
  void leave(LoadConnection& visitor);
  void keep_alive(int64_t now_ns);
  void say_goodbye();

  // load_packets.cc: what is published and what is answered
  bool publishing() const { return phase_ == Phase::kWarmUp || phase_ == Phase::kMeasuring; }
  bool has_room(const LoadConnection& connection) const;
  void publish(LoadConnection& connection, int64_t now_ns);
  void fill(LoadConnection& connection);
  void publish_due(int64_t now_ns);
  bool take(LoadConnection& connection, const mqtt::Frame& frame);
  bool take_connack(LoadConnection& connection, const mqtt::Frame& frame);
  bool take_suback(LoadConnection& connection, const mqtt::Frame& frame);
  void take_acknowledgement(LoadConnection& connection, const mqtt::Frame& frame);
  void take_message(LoadConnection& connection, const mqtt::Frame& frame);
  void subscribe(LoadConnection& connection, std::string_view filter, uint8_t qos);

  const LoadPlan& plan_;
  LoadState& state_;
  Counters& counters_;
  const uint32_t index_;
  int epoll_ = -1;
  Phase phase_ = Phase::kConnecting;
  int64_t now_ns_ = 0;  // of the input at hand
  std::vector<char> buffer_;
  PayloadMaker payloads_;

  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<LoadConnection*> publishers_;
  size_t next_to_open_ = 0;
  size_t pending_ = 0;
  size_t next_publisher_ = 0;
  std::optional<Schedule> opening_;
  std::optional<Schedule> publishing_;
  std::vector<LoadConnection*> touched_;  // by publish_due(), to be flushed

  std::vector<std::unique_ptr<LoadConnection>> visitors_;  // closed ones are used again
  std::optional<Schedule> visiting_;
  uint32_t visitors_made_ = 0;

  int64_t next_keep_alive_ns_ = 0;
  Histogram acknowledgement_latency_;
  Histogram delivery_latency_;
  std::map<std::string, uint64_t> failures_;
};

}  // namespace campanile::app::bench
