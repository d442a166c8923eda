#include "app/bench/load_report.h"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>

namespace campanile::app::bench {
namespace {

constexpr std::pair<const char*, double> kPercentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

std::string plural(uint64_t count, std::string_view word) { return fmt::format("{} {}{}", with_commas(count), word, count == 1 ? "" : "s"); }

// What CPU time is divided by: each message in, or each one out where it goes to several.
uint64_t messages_of(const LoadReport& report) { return std::max(report.sent, report.delivered); }

void add_row(std::string& out, std::string_view name, uint64_t total, std::optional<double> rate, std::string_view note = {}) {
  out += fmt::format("{:<16}{:>18}{:>16}  {}", name, with_commas(total), rate ? with_commas(static_cast<uint64_t>(std::llround(*rate))) : "", note);
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
}

void add_latency(std::string& out, std::string_view name, const Histogram& latency) {
  if (latency.count() == 0) return;
  out += fmt::format("{:<16}", name);
  for (const auto& [label, share] : kPercentiles) out += fmt::format("{:>11.3f}", static_cast<double>(latency.percentile(share)) / 1e6);
  out += fmt::format("{:>11.3f}\n", static_cast<double>(latency.largest()) / 1e6);
}

void add_counts(std::string& out, const LoadReport& report) {
  const bool is_acknowledged = report.options.qos > 0;
  if (report.options.publishers > 0) {
    out += fmt::format("{:<16}{:>18}{:>16}\n", "messages", "whole run", "per second");
    add_row(out, "sent", report.sent_total, report.per_second(report.sent));
    if (is_acknowledged) add_row(out, "acknowledged", report.acknowledged_total, report.per_second(report.acknowledged));
  }
  if (report.options.subscribers > 0) add_row(out, "delivered", report.delivered_total, report.per_second(report.delivered));
  if (report.lost) add_row(out, "lost", *report.lost, {}, "acknowledged, but not delivered");
  if (report.undelivered) add_row(out, "not delivered", *report.undelivered, {}, "of QoS 0");
  if (report.unacknowledged > 0) add_row(out, "unacknowledged", report.unacknowledged, {}, "in flight at the end");
  if (report.refused > 0) add_row(out, "refused", report.refused, {});
  if (report.duplicates > 0) add_row(out, "duplicates", report.duplicates, {});
  if (report.reordered > 0) add_row(out, "out of order", report.reordered, {});
  if (report.foreign > 0) add_row(out, "of others", report.foreign, {}, "messages that this run did not send");
  if (report.missed > 0) add_row(out, "too late", report.missed, {}, "asked for by --rate, but neither side kept up");
  if (report.options.churn > 0) add_row(out, "visits", report.visits, {}, "connected, subscribed, left");
  if (report.failures > 0) add_row(out, "failures", report.failures, {});
}

void add_usage(std::string& out, const LoadReport& report) {
  const auto cpu = [&](double cpu_s) {
    std::string text = fmt::format("CPU {:.2f} s", cpu_s);
    if (report.measured_s > 0) text += fmt::format(" ({:.0f} % of a core)", 100 * cpu_s / report.measured_s);
    if (messages_of(report) > 0) text += fmt::format(", {:.2f} us a message", cpu_s * 1e6 / static_cast<double>(messages_of(report)));
    return text;
  };
  if (report.broker) {
    const auto& broker = *report.broker;
    out += fmt::format("broker (pid {})  {}; memory {:.1f} MB", report.options.broker_pid, cpu(broker.cpu_s),
                       static_cast<double>(broker.resident_after_bytes) / 1e6);
    if (report.connected > 0) {
      const double each = (static_cast<double>(broker.resident_connected_bytes) - static_cast<double>(broker.resident_before_bytes)) /
                          static_cast<double>(report.connected);
      out += fmt::format(", {:.2f} KB a connection", each / 1024);
    }
    out += '\n';
  }
  out += fmt::format("this program     {}\n", cpu(report.own_cpu_s));
}

boost::json::object latency_json(const Histogram& latency) {
  boost::json::object out;
  if (latency.count() == 0) return out;
  for (const auto& [label, share] : kPercentiles) out[fmt::format("{}_us", label)] = static_cast<double>(latency.percentile(share)) / 1e3;
  out["max_us"] = static_cast<double>(latency.largest()) / 1e3;
  return out;
}

}  // namespace

std::string with_commas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string describe_load(const LoadOptions& options) {
  std::vector<std::string> parts;
  if (options.publishers + options.subscribers > 0) {
    parts.push_back(fmt::format("{} -> {}", plural(options.publishers, "publisher"), plural(options.subscribers, "subscriber")));
    parts.push_back(fmt::format("QoS {}", options.qos));
    parts.push_back(options.payload == PayloadKind::kCampus ? "campus readings" : options.payload == PayloadKind::kFile ? options.file : fmt::format("{} B", options.size));
    if (options.qos > 0) parts.push_back(fmt::format("{} in flight each", with_commas(options.window)));
    if (options.rate > 0) parts.push_back(fmt::format("{}/s", with_commas(static_cast<uint64_t>(options.rate))));
  }
  if (options.idle > 0) parts.push_back(fmt::format("{} idle", with_commas(options.idle)));
  if (options.churn > 0) parts.push_back(fmt::format("{}/s come and go", options.churn));
  if (options.tls) parts.push_back("TLS");
  return fmt::format("{}", fmt::join(parts, ", "));
}

int exit_code(const LoadReport& report) {
  if (report.lost.value_or(0) > 0) return kExitLost;
  return report.failures + report.unacknowledged > 0 ? kExitFailures : 0;
}

std::string format_table(const LoadReport& report) {
  std::string out = fmt::format("{}: {}\n{} up in {:.2f} s; measured {:.1f} s, MQTT {}\n\n", report.broker_name, describe_load(report.options),
                                plural(report.connected, "connection"), report.connecting_s, report.measured_s,
                                report.options.version == mqtt::ProtocolVersion::kV5 ? "5" : "3.1.1");
  add_counts(out, report);
  if (report.acknowledgement_latency.count() + report.delivery_latency.count() > 0) {
    out += fmt::format("\n{:<16}", "latency, ms");
    for (const auto& [label, share] : kPercentiles) out += fmt::format("{:>11}", label);
    out += fmt::format("{:>11}\n", "max");
    add_latency(out, "acknowledged", report.acknowledgement_latency);
    add_latency(out, "delivered", report.delivery_latency);
  }
  out += '\n';
  add_usage(out, report);
  if (!report.reasons.empty()) {
    out += "\nwhat went wrong\n";
    for (const auto& [reason, count] : report.reasons) out += fmt::format("{:>12}  {}\n", with_commas(count), reason);
  }
  return out;
}

std::string format_json(const LoadReport& report) {
  boost::json::object out{
      {"broker_address", report.broker_name}, {"load", describe_load(report.options)},
      {"measured_s", report.measured_s},      {"connecting_s", report.connecting_s},
      {"connected", report.connected},        {"sent", report.sent_total},
      {"acknowledged", report.acknowledged_total}, {"delivered", report.delivered_total},
      {"sent_per_s", report.per_second(report.sent)}, {"acknowledged_per_s", report.per_second(report.acknowledged)},
      {"delivered_per_s", report.per_second(report.delivered)}, {"unacknowledged", report.unacknowledged},
      {"refused", report.refused},            {"duplicates", report.duplicates},
      {"reordered", report.reordered},        {"foreign", report.foreign},
      {"visits", report.visits},              {"missed", report.missed},
      {"failures", report.failures},          {"cpu_s", report.own_cpu_s}};
  if (report.lost) out["lost"] = *report.lost;
  if (report.undelivered) out["undelivered"] = *report.undelivered;
  out["acknowledgement_latency"] = latency_json(report.acknowledgement_latency);
  out["delivery_latency"] = latency_json(report.delivery_latency);
  boost::json::object reasons;
  for (const auto& [reason, count] : report.reasons) reasons[reason] = count;
  out["reasons"] = std::move(reasons);
  if (report.broker) {
    out["broker"] = boost::json::object{{"resident_before_bytes", report.broker->resident_before_bytes},
                                        {"resident_connected_bytes", report.broker->resident_connected_bytes},
                                        {"resident_after_bytes", report.broker->resident_after_bytes},
                                        {"cpu_s", report.broker->cpu_s}};
  }
  return boost::json::serialize(out) + "\n";
}

}  // namespace campanile::app::bench
