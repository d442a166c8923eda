#include "app/bench/mqtt_bench.h"

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "app/bench/load_account.h"
#include "app/bench/load_report.h"
#include "app/bench/process_usage.h"
#include "base/clock.h"

namespace campanile::app::bench {
namespace {

// Files that the program needs beside its connections.
constexpr uint64_t kOtherFiles = 16;
constexpr std::chrono::milliseconds kLook{20};

volatile std::sig_atomic_t interrupted = 0;

Result<void> allow_files(const LoadOptions& options) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t wanted = options.connections() + options.threads + kOtherFiles;
  if (wanted <= limit.rlim_cur) return {};
  return fail(ErrorCode::kTooLarge, "{} connections need {} file descriptors, and this process may open {}: raise the limit (ulimit -n), or run several at once",
              options.connections(), wanted, limit.rlim_cur);
}

// Runs the threads, and stops them when it goes.
class Run {
 public:
  explicit Run(const LoadPlan& plan) : plan_(plan), state_(plan.options.threads) {
    for (uint32_t index = 0; index < plan.options.threads; ++index) loads_.push_back(std::make_unique<LoadThread>(plan_, state_, index));
  }
  ~Run() { end(); }

  void start() {
    for (const auto& load : loads_) threads_.emplace_back([&load] { load->run(); });
  }
  LoadState& state() { return state_; }
  std::span<const std::unique_ptr<LoadThread>> loads() const { return loads_; }
  void end() {
    state_.enter(Phase::kOver);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  const LoadPlan& plan_;
  LoadState state_;
  std::vector<std::unique_ptr<LoadThread>> loads_;
  std::vector<std::thread> threads_;
};

class Director {
 public:
  explicit Director(const LoadPlan& plan) : plan_(plan), options_(plan.options), run_(plan) {
    report_.broker_name = plan.broker();
    report_.options = options_;
  }

  Result<LoadReport> direct() {
    const auto before = broker_usage();
    if (options_.broker_pid > 0 && !before) return fail(ErrorCode::kNotFound, "--broker-pid: there is no process {}, or it may not be looked at", options_.broker_pid);
    if (before) report_.broker.emplace().resident_before_bytes = before->resident_bytes;
    run_.start();
    TRY(connect());
    warm_up();
    measure();
    drain();
    run_.end();
    if (const std::string why = state().why_given_up(); !why.empty()) return fail(ErrorCode::kUnavailable, "{}", why);
    close_account();
    return std::move(report_);
  }

 private:
  LoadState& state() { return run_.state(); }
  int64_t now_ns() const { return clock_.steady_ns(); }
  bool is_over() { return interrupted || state().phase() == Phase::kOver; }
  std::optional<ProcessUsage> broker_usage() const {
    return options_.broker_pid > 0 ? read_process_usage(options_.broker_pid) : std::nullopt;
  }

  Result<void> connect() {
    const int64_t start_ns = now_ns();
    uint64_t seen = 0;
    int64_t seen_ns = start_ns;
    while (!is_over()) {
      const uint64_t up = state().total(Count::kConnected);
      if (up == options_.connections()) break;
      if (up != seen) {
        seen = up;
        seen_ns = now_ns();
      }
      if (now_ns() - seen_ns > kConnectQuietS * kNanosPerSecond) {
        state().give_up(fmt::format("{} answers no more: {} of {} connections are up, and none came in {} s", plan_.broker(), up, options_.connections(),
                                    kConnectQuietS));
      }
      look();
    }
    report_.connecting_s = static_cast<double>(now_ns() - start_ns) / kNanosPerSecond;
    report_.connected = state().total(Count::kConnected);
    if (const std::string why = state().why_given_up(); !why.empty()) return fail(ErrorCode::kUnavailable, "{}", why);
    if (interrupted) return fail(ErrorCode::kCancelled, "interrupted while connecting");
    if (report_.broker) report_.broker->resident_connected_bytes = broker_usage().value_or(ProcessUsage{}).resident_bytes;
    return {};
  }

  void warm_up() {
    if (options_.warm_up_s <= 0) return;
    state().enter(Phase::kWarmUp);
    wait_s(options_.warm_up_s);
  }

  void measure() {
    const uint64_t sent = state().total(Count::kSent);
    const uint64_t acknowledged = state().total(Count::kAcknowledged);
    const uint64_t delivered = state().total(Count::kDelivered);
    const auto broker = broker_usage();
    const double own_cpu_s = own_usage().cpu_s;
    const int64_t start_ns = now_ns();
    state().measure_from(start_ns);
    state().enter(Phase::kMeasuring);
    wait_s(options_.duration_s);
    const int64_t end_ns = now_ns();
    state().measure_until(end_ns);
    report_.sent = state().total(Count::kSent) - sent;
    report_.acknowledged = state().total(Count::kAcknowledged) - acknowledged;
    report_.delivered = state().total(Count::kDelivered) - delivered;
    report_.measured_s = static_cast<double>(end_ns - start_ns) / kNanosPerSecond;
    report_.own_cpu_s = own_usage().cpu_s - own_cpu_s;
    const auto broker_after = broker_usage();
    if (broker && broker_after) {
      report_.broker->cpu_s = broker_after->cpu_s - broker->cpu_s;
      report_.broker->resident_after_bytes = broker_after->resident_bytes;
    }
  }

  void drain() {
    state().enter(Phase::kDraining);
    const int64_t start_ns = now_ns();
    uint64_t seen = 0;
    int64_t seen_ns = start_ns;
    while (state().phase() != Phase::kOver) {
      // Before the counts are read: a message that a thread publishes while it does not know yet that it is over must be waited for.
      const bool is_all_sent = state().all_follow(Phase::kDraining);
      const uint64_t sent = state().total(Count::kSent);
      const uint64_t answered = state().total(Count::kAcknowledged) + state().total(Count::kRefused);
      const uint64_t delivered = state().total(Count::kDelivered);
      const bool all_answered = options_.qos == 0 || answered >= sent;
      const uint64_t expected = plan_.is_shared ? sent : sent * options_.subscribers;
      if (is_all_sent && all_answered && plan_.all_matched && delivered >= expected) return;
      if (answered + delivered != seen) {
        seen = answered + delivered;
        seen_ns = now_ns();
      }
      if (now_ns() - seen_ns > kDrainQuietS * kNanosPerSecond || now_ns() - start_ns > kDrainMaxS * kNanosPerSecond) return;
      look();
    }
  }

  void close_account() {
    LoadReport& report = report_;
    report.sent_total = state().total(Count::kSent);
    report.acknowledged_total = state().total(Count::kAcknowledged);
    report.delivered_total = state().total(Count::kDelivered);
    report.refused = state().total(Count::kRefused);
    report.duplicates = state().total(Count::kDuplicates);
    report.reordered = state().total(Count::kReordered);
    report.foreign = state().total(Count::kForeign);
    report.visits = state().total(Count::kVisits);
    report.missed = state().total(Count::kMissed);
    report.failures = state().total(Count::kFailures);
    for (const auto& load : run_.loads()) {
      report.acknowledgement_latency.merge(load->acknowledgement_latency());
      report.delivery_latency.merge(load->delivery_latency());
      for (const auto& [reason, count] : load->failures()) report.reasons[reason] += count;
    }
    settle(plan_, run_.loads(), report);
  }

  void wait_s(double duration_s) {
    const int64_t end_ns = now_ns() + static_cast<int64_t>(duration_s * kNanosPerSecond);
    while (!is_over() && now_ns() < end_ns) look(end_ns);
  }

  // A short sleep, and a line of progress once a second.
  void look(int64_t end_ns = INT64_MAX) {
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(kLook, std::chrono::nanoseconds(std::max<int64_t>(0, end_ns - now_ns()))));
    const int64_t now = now_ns();
    if (options_.quiet || now - told_ns_ < kNanosPerSecond) return;
    const double elapsed_s = static_cast<double>(now - told_ns_) / kNanosPerSecond;
    const auto rate = [&](Count count) {
      const uint64_t total = state().total(count);
      const uint64_t before = std::exchange(told_[static_cast<size_t>(count)], total);
      return with_commas(static_cast<uint64_t>(static_cast<double>(total - before) / elapsed_s));
    };
    told_ns_ = now;
    std::string line = fmt::format("{:5.0f} s  {:<10} connected {}", static_cast<double>(now - started_ns_) / kNanosPerSecond, phase_name(),
                                   with_commas(state().total(Count::kConnected)));
    if (options_.publishers > 0) line += fmt::format("  sent {}/s", rate(Count::kSent));
    if (options_.publishers > 0 && options_.qos > 0) line += fmt::format("  acknowledged {}/s", rate(Count::kAcknowledged));
    if (options_.subscribers > 0) line += fmt::format("  delivered {}/s", rate(Count::kDelivered));
    if (options_.churn > 0) line += fmt::format("  visits {}/s", rate(Count::kVisits));
    if (const uint64_t failures = state().total(Count::kFailures)) line += fmt::format("  failures {}", with_commas(failures));
    std::fputs((line + "\n").c_str(), stderr);
  }

  const char* phase_name() {
    switch (state().phase()) {
      case Phase::kConnecting: return "connecting";
      case Phase::kWarmUp: return "warm-up";
      case Phase::kMeasuring: return "measuring";
      default: return "draining";
    }
  }

  const LoadPlan& plan_;
  const LoadOptions& options_;
  const SystemClock clock_;
  LoadReport report_;
  Run run_;
  const int64_t started_ns_ = clock_.steady_ns();
  int64_t told_ns_ = started_ns_;
  std::array<uint64_t, static_cast<size_t>(Count::kCounts)> told_{};
};

int fail_with(const Error& error) {
  std::fputs(fmt::format("Error: {}\n", error.message).c_str(), stderr);
  return kExitFailures;
}

}  // namespace

int mqtt_bench_command(const LoadOptions& options) {
  if (const auto allowed = allow_files(options); !allowed) return fail_with(allowed.error());
  const Result<LoadPlan> plan = LoadPlan::make(options);
  if (!plan) return fail_with(plan.error());
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  const Result<LoadReport> report = Director(*plan).direct();
  if (!report) return fail_with(report.error());
  std::fputs((options.json ? format_json(*report) : format_table(*report)).c_str(), stdout);
  return exit_code(*report);
}

}  // namespace campanile::app::bench
