// Load: the configuration from all its sources, each over the one before: defaults, the file, the environment, the command line.
//
//   const LoadedConfig loaded = TRY(load_config({.file = "campanile.yaml", .environment = process_environment(),
//                                                .overrides = {{"--http", "http.listen", "0.0.0.0:8086"}}}));
//   for (const std::string& warning : loaded.warnings) log::warning("{}", warning);
//
// Environment: CAMPANILE_ and the path in upper case, '.' as '_': CAMPANILE_HTTP_LISTEN, CAMPANILE_LOG_LEVEL. With _FILE behind it the
// variable names a file that holds the value, for secrets. An empty variable counts as not given.
// Errors: kInvalidArgument with one line for each mistake ("FILE:LINE:COLUMN: what was found, what is allowed"); kNotFound, kIoError for files.
// Threads: reads files; call it before there are threads.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config/config.h"
#include "base/result.h"

namespace campanile::app {

// A setting given on the command line.
struct Override {
  std::string flag;  // as the user wrote it, for messages: "--http"
  std::string path;  // "http.listen"
  std::string value;
};

struct ConfigSources {
  std::optional<std::filesystem::path> file;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<Override> overrides;
  Config base;  // below them all: the defaults, or a subcommand's own
};

struct LoadedConfig {
  Config config;
  std::vector<std::string> warnings;
};

Result<LoadedConfig> load_config(const ConfigSources& sources);

// The file alone, from its text; `name` is for messages. Files that it names (password_file) are not read.
Result<Config> parse_config(std::string_view yaml, std::string_view name);

// "CAMPANILE_HTTP_LISTEN" for "http.listen".
std::string environment_name(std::string_view path);

// The CAMPANILE_… variables of this process.
std::vector<std::pair<std::string, std::string>> process_environment();

}  // namespace campanile::app
