// Any bytes as a configuration file: reading ends in settings or in problems, and what was read prints to something that reads back.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/config/load.h"
#include "app/config/print.h"
#include "app/config/yaml_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace campanile::app;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Config config;
  const auto problems = read_yaml(text, config);
  for (const Problem& problem : problems) {
    if (problem.message.empty()) std::abort();
  }
  if (!problems.empty()) return 0;
  // Passwords are hidden in print, which is all that may differ.
  config.auth.password.clear();
  config.auth.users.clear();
  const std::string printed = print_config(config);
  const auto again = parse_config(printed, "printed");
  if (!again || print_config(*again) != printed) std::abort();
  return 0;
}
