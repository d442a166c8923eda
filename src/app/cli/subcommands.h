// Subcommands: the flags of each subcommand as CLI11 knows them, and where their values go. The command line runs them, help and completion
// list them.
//
// Threads: none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/bench/load_options.h"

namespace campanile::app {

// The flags that serve and demo share.
struct ServeFlags {
  std::string config;
  std::string data;
  std::string http;
  std::string mqtt;
  std::vector<std::string> settings;  // KEY=VALUE
  bool insist_open = false;
  uint64_t seed = 1;
};

struct CheckFlags {
  std::string file;
  bool defaults = false;
  bool print = false;
  bool markdown = false;
  bool insist_open = false;
};

struct BackupFlags {
  ServeFlags where;  // of these config, data, http and settings
  std::string to;
  std::string user;
  uint64_t keep = 0;
  bool offline = false;
};

struct VerifyFlags {
  std::string path;
};

struct RestoreFlags {
  std::string backup;
  std::string directory;
};

struct RepairFlags {
  std::string directory;
  bool is_trial = false;
};

struct QueryFlags {
  ServeFlags where;  // of these config, http and settings
  std::string user;
  std::string text;
  std::string database;
  std::string retention_policy;
  std::string form = "table";
  bool uses_tiers = true;
};

struct JobsFlags {
  ServeFlags where;  // of these config, http and settings
  std::string user;
  std::string action = "list";
  uint64_t id = 0;
  std::string database;
  std::string query;
  std::string start;
  std::string end;
  int64_t priority = 0;
  bool watch = false;
};

struct CommandFlags {
  ServeFlags serve;
  CheckFlags check;
  BackupFlags backup;
  VerifyFlags verify;
  RestoreFlags restore;
  RepairFlags repair;
  QueryFlags query;
  JobsFlags jobs;
  bench::LoadFlags load;
  std::string shell = "bash";
};

// The application with every subcommand. pub and sub are there for help and completion; client_options.h parses theirs.
std::unique_ptr<CLI::App> make_application(CommandFlags& flags);

}  // namespace campanile::app
