// Metrics: counters and gauges that /metrics exposes in Prometheus text form.
//
//   auto& stored = metrics.counter("campanile_points_stored_total", "Points accepted by the store");
//   stored.add(batch.size());
//   metrics.gauge("campanile_series", "Series in the index", [&] { return double(index.size()); });
//
// Threads: add() from any thread (relaxed atomics); the references live as long as the registry. Hot paths add once
// per batch, not once per message. Gauge callbacks run on the thread that renders and must not block.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace campanile {

class Counter {
 public:
  void add(uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Label names and values, in the order they are written out.
using Labels = std::vector<std::pair<std::string, std::string>>;

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The counter of that name and labels, made on first use. REQUIRES: a Prometheus name ending in _total.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});

  // Registers a value read when rendering; remains until the registry goes.
  void gauge(std::string_view name, std::string_view help, std::function<double()> read, const Labels& labels = {});

  // Prometheus text exposition format 0.0.4.
  std::string render() const;

 private:
  struct Family;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;
};

}  // namespace campanile
