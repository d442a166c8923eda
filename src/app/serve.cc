#include "app/serve.h"

#include <sys/resource.h>

#include <cstdio>
#include <optional>

#include "app/data_directory.h"
#include "app/demo/demo_runner.h"
#include "app/signals.h"
#include "app/wiring.h"
#include "base/clock.h"
#include "base/log.h"

namespace campanile::app {
namespace {

// Every connection is a file: take as many as the system allows without asking for more.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Result<DataDirectory> open_data_directory(const std::string& path) {
  return path.empty() ? DataDirectory::make_scratch("campanile") : DataDirectory::open(path);
}

std::unique_ptr<demo::DemoRunner> start_demo(const ServeArguments& arguments, const net::Address& mqtt, const Clock& clock) {
  demo::DemoOptions options{.server = mqtt, .seed = arguments.demo_seed};
  // A door without accounts lets the emulated devices in as anybody; otherwise they are the first account.
  if (!arguments.config.auth.users.empty()) {
    options.user = arguments.config.auth.users.front().name;
    options.password = arguments.config.auth.users.front().password;
  }
  auto runner = std::make_unique<demo::DemoRunner>(std::move(options), clock);
  runner->start();
  // The page should be full when the address is printed; where the machine is slow it fills while people look.
  runner->wait_for_history(std::chrono::seconds(10));
  const auto status = runner->status();
  log::info("emulated campus: {} modules, {} messages of history", status.modules, status.history_messages);
  return runner;
}

// The address that a browser on this machine can open.
std::string page_address(net::Address http) {
  if (http.host == "0.0.0.0") http.host = "127.0.0.1";
  if (http.host == "::") http.host = "::1";
  return "http://" + http.to_string() + "/";
}

Result<void> serve(const ServeArguments& arguments, StopSignals& signals) {
  const SystemClock clock;
  raise_file_limit();
  const DataDirectory directory = TRY(open_data_directory(arguments.data_directory));
  log::info("data directory {}{}", directory.path().string(), arguments.data_directory.empty() ? " (scratch: removed at the end)" : "");
  auto started = Program::start(arguments.config, directory.path(), clock);
  if (!started && started.error().code == ErrorCode::kCorrupt) {
    return fail(ErrorCode::kCorrupt, "{}; `campanile verify {}` tells what else is damaged, `campanile restore` makes a data directory of a backup, and `campanile repair` leaves out what is damaged", started.error().message,
                directory.path().string());
  }
  const auto program = TRY(std::move(started));

  std::unique_ptr<demo::DemoRunner> demo;
  if (arguments.demo) demo = start_demo(arguments, program->mqtt_address(), clock);
  log::info("the page is at {}", page_address(program->http_address()));
  // The one line on standard output: programs that start Campanile wait for it.
  std::printf("ready http=%s mqtt=%s\n", program->http_address().to_string().c_str(), program->mqtt_address().to_string().c_str());
  std::fflush(stdout);

  signals.on_hangup([&program] {
    log::info("SIGHUP: certificates are read again");
    program->reload_tls();
  });
  const int number = signals.wait();
  log::info("stopping{}", number == 0 ? "" : number == SIGINT ? " (SIGINT)" : " (SIGTERM)");
  if (demo) demo->stop();
  program->stop();
  log::info("stopped");
  return {};
}

}  // namespace

int serve_command(const ServeArguments& arguments) {
  // Before any thread is made, so that all inherit the blocked signals.
  StopSignals signals(!arguments.demo);
  log::set_level(arguments.config.log.level);
  for (const std::string& warning : arguments.warnings) log::warning("{}", warning);
  const auto result = serve(arguments, signals);
  if (result) return 0;
  std::fprintf(stderr, "campanile: %s\n", result.error().message.c_str());
  return 1;
}

}  // namespace campanile::app
