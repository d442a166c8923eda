#include "base/metrics.h"

#include <sstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace campanile {

struct Metrics::Family {
  struct CounterEntry {
    Labels labels;
    Counter counter;
  };
  struct GaugeEntry {
    Labels labels;
    std::function<double()> read;
  };
  std::string help;
  std::vector<std::unique_ptr<CounterEntry>> counters;
  std::vector<GaugeEntry> gauges;
};

namespace {

prometheus::ClientMetric labelled(const Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

}  // namespace

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& family = families_[std::string(name)];
  if (!family) family = std::make_unique<Family>(Family{.help = std::string(help)});
  for (const auto& entry : family->counters) {
    if (entry->labels == labels) return entry->counter;
  }
  family->counters.push_back(std::make_unique<Family::CounterEntry>());
  family->counters.back()->labels = labels;
  return family->counters.back()->counter;
}

void Metrics::gauge(std::string_view name, std::string_view help, std::function<double()> read, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& family = families_[std::string(name)];
  if (!family) family = std::make_unique<Family>(Family{.help = std::string(help)});
  family->gauges.push_back({labels, std::move(read)});
}

std::string Metrics::render() const {
  std::vector<prometheus::MetricFamily> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, family] : families_) {
      prometheus::MetricFamily made;
      made.name = name;
      made.help = family->help;
      made.type = family->counters.empty() ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
      for (const auto& entry : family->counters) {
        auto metric = labelled(entry->labels);
        metric.counter.value = static_cast<double>(entry->counter.value());
        made.metric.push_back(std::move(metric));
      }
      for (const auto& entry : family->gauges) {
        auto metric = labelled(entry.labels);
        metric.gauge.value = entry.read();
        made.metric.push_back(std::move(metric));
      }
      out.push_back(std::move(made));
    }
  }
  return prometheus::TextSerializer().Serialize(out);
}

}  // namespace campanile
