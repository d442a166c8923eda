#include "app/cli/command_line.h"

#include <algorithm>
#include <iterator>
#include <cstdio>
#include <cstdlib>

#include "app/backup/commands.h"
#include "app/bench/mqtt_bench.h"
#include "app/cli/subcommands.h"
#include "app/client/client_options.h"
#include "app/client/publish_command.h"
#include "app/client/subscribe_command.h"
#include "app/config/durability.h"
#include "app/config/exposure.h"
#include "app/config/load.h"
#include "app/config/print.h"
#include "app/query/query_command.h"
#include "app/recompute/jobs_command.h"
#include "app/repair/repair.h"
#include "base/text.h"

namespace campanile::app {
namespace {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fputc('\n', stderr);
}

int fail_with(const Error& error) {
  print_error(error.message);
  return kExitError;
}

int run_client(client::Tool tool, std::span<const std::string> arguments) {
  const client::ParsedFlags parsed = client::parse_client_flags(tool, arguments);
  if (!parsed.error.empty()) {
    print_error(fmt::format("Error: {}\n\nUse 'campanile {} --help' to see usage.", parsed.error, tool == client::Tool::kPublish ? "pub" : "sub"));
    return kExitError;
  }
  if (parsed.options.help) {
    print(client::client_help(tool));
    return 0;
  }
  return tool == client::Tool::kPublish ? client::publish_command(parsed.options) : client::subscribe_command(parsed.options);
}

std::optional<std::filesystem::path> config_file(const std::string& flag) {
  if (!flag.empty()) return flag;
  const char* variable = std::getenv("CAMPANILE_CONFIG");
  if (variable && *variable) return variable;
  return std::nullopt;
}

// `--set log.level=debug` and the flags that stand for one setting each.
Result<std::vector<Override>> overrides_of(const ServeFlags& flags) {
  std::vector<Override> out;
  for (const std::string& setting : flags.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return fail(ErrorCode::kInvalidArgument, "--set: found '{}', wanted KEY=VALUE such as log.level=debug", excerpt(setting));
    }
    out.push_back({"--set", setting.substr(0, equals), setting.substr(equals + 1)});
  }
  const auto add = [&](std::string_view flag, std::string_view path, const std::string& value) {
    if (!value.empty()) out.push_back({std::string(flag), std::string(path), value});
  };
  add("--data", "data.directory", flags.data);
  add("--http", "http.listen", flags.http);
  add("--mqtt", "mqtt.listen", flags.mqtt);
  return out;
}

// What is allowed and should be known.
std::vector<std::string> warnings_of(const Config& config) {
  std::vector<std::string> warnings = exposure_warnings(config);
  std::ranges::move(durability_warnings(config), std::back_inserter(warnings));
  return warnings;
}

int run_serve(const ServeFlags& flags, bool demo, const Commands& commands) {
  Result<std::vector<Override>> overrides = overrides_of(flags);
  if (!overrides) {
    print_error(overrides.error().message);
    return kExitUsage;
  }
  ConfigSources sources{.file = config_file(flags.config), .environment = process_environment(), .overrides = *std::move(overrides)};
  // A demonstration leaves nothing behind unless it is told where.
  if (demo) sources.base.data.directory.clear();
  Result<LoadedConfig> loaded = load_config(sources);
  if (!loaded) return fail_with(loaded.error());
  if (const auto exposure = check_exposure(loaded->config, flags.insist_open); !exposure) return fail_with(exposure.error());
  ServeArguments arguments{.config = std::move(loaded->config), .demo = demo, .demo_seed = flags.seed, .warnings = std::move(loaded->warnings)};
  for (std::string& warning : warnings_of(arguments.config)) arguments.warnings.push_back(std::move(warning));
  arguments.data_directory = arguments.config.data.directory;
  return commands.serve(arguments);
}

int run_check_config(const CheckFlags& flags) {
  if (flags.defaults || flags.markdown) {
    print(flags.defaults ? print_config(Config{}) : settings_markdown());
    return 0;
  }
  const auto file = config_file(flags.file);
  const Result<LoadedConfig> loaded = load_config({.file = file, .environment = process_environment()});
  if (!loaded) return fail_with(loaded.error());
  for (const std::string& warning : loaded->warnings) print_error(fmt::format("warning: {}", warning));
  if (flags.print) print(print_config(loaded->config));
  if (const auto exposure = check_exposure(loaded->config, flags.insist_open); !exposure) return fail_with(exposure.error());
  for (const std::string& warning : warnings_of(loaded->config)) print_error(fmt::format("warning: {}", warning));
  if (!flags.print) print(fmt::format("{}: fine\n", file ? file->string() : "no file, the defaults and the environment"));
  return 0;
}

int run_backup(const BackupFlags& flags) {
  Result<std::vector<Override>> overrides = overrides_of(flags.where);
  if (!overrides) {
    print_error(overrides.error().message);
    return kExitUsage;
  }
  if (!flags.to.empty()) overrides->push_back({"--to", "storage.backup_directory", flags.to});
  Result<LoadedConfig> loaded = load_config({.file = config_file(flags.where.config), .environment = process_environment(), .overrides = *std::move(overrides)});
  if (!loaded) return fail_with(loaded.error());
  return backup_command({.config = std::move(loaded->config), .user = flags.user, .keep = flags.keep, .offline = flags.offline});
}

QueryForm form_named(std::string_view name) {
  if (name == "csv") return QueryForm::kCsv;
  if (name == "json") return QueryForm::kJson;
  if (name == "sparkline") return QueryForm::kSparkline;
  return name == "chart" ? QueryForm::kChart : QueryForm::kTable;
}

// Asks a running server: finds out where it is, and has `ask` do the rest.
template <typename Ask>
int ask_server(const ServeFlags& where, const Ask& ask) {
  Result<std::vector<Override>> overrides = overrides_of(where);
  if (!overrides) {
    print_error(overrides.error().message);
    return kExitUsage;
  }
  Result<LoadedConfig> loaded = load_config({.file = config_file(where.config), .environment = process_environment(), .overrides = *std::move(overrides)});
  if (!loaded) return fail_with(loaded.error());
  return ask(std::move(loaded->config));
}

int run_query(const QueryFlags& flags) {
  return ask_server(flags.where, [&](Config config) {
    const std::string database = flags.database.empty() ? config.ingest.database : flags.database;
    return query_command({.config = std::move(config), .user = flags.user, .text = flags.text, .database = database, .retention_policy = flags.retention_policy, .uses_tiers = flags.uses_tiers, .form = form_named(flags.form)});
  });
}

int run_jobs(const JobsFlags& flags) {
  const bool wants_id = flags.action != "list" && flags.action != "add";
  if (wants_id && flags.id == 0) {
    print_error(fmt::format("campanile: jobs {} wants the number of a job; `campanile jobs` lists them", flags.action));
    return kExitUsage;
  }
  if (flags.action == "add" && (flags.query.empty() || flags.start.empty() || flags.end.empty())) {
    print_error("campanile: jobs add wants --query, --start and --end");
    return kExitUsage;
  }
  return ask_server(flags.where, [&](Config config) {
    const std::string database = flags.database.empty() ? config.ingest.database : flags.database;
    return jobs_command({.config = std::move(config), .user = flags.user, .action = flags.action, .id = flags.id, .database = database, .query = flags.query,
                         .start = flags.start, .end = flags.end, .priority = flags.priority, .watch = flags.watch});
  });
}

int run_bench(const bench::LoadFlags& flags) {
  const Result<bench::LoadOptions> options = bench::check_load_flags(flags);
  if (!options) {
    print_error(fmt::format("campanile: {}\n`campanile bench mqtt --help` tells more.", options.error().message));
    return kExitUsage;
  }
  return bench::mqtt_bench_command(*options);
}

bool has_subcommand(const CLI::App& app, const std::string& name) {
  const auto commands = app.get_subcommands({});
  return std::any_of(commands.begin(), commands.end(), [&](const CLI::App* command) { return command->get_name() == name; });
}

int refuse_subcommand(const CLI::App& app, const std::string& name) {
  std::vector<std::string_view> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  const auto closest = closest_match(name, names);
  print_error(fmt::format("campanile: unknown command '{}'{}\nCommands are {}; `campanile --help` tells more.", excerpt(name),
                          closest ? fmt::format("; did you mean '{}'?", *closest) : "", fmt::join(names, ", ")));
  return kExitUsage;
}

// CLI11's answer to what it could not parse: help and version are wanted, the rest is a mistake.
int explain(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    app.exit(error);
    return 0;
  }
  std::string path;
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands()[0];
    path += " " + at->get_name();
  }
  print_error(fmt::format("campanile: {}\n`campanile{} --help` tells more.", error.what(), path));
  return kExitUsage;
}

int dispatch(const CLI::App& app, const CommandFlags& flags, const Commands& commands) {
  if (app.got_subcommand("serve") || app.got_subcommand("demo")) return run_serve(flags.serve, app.got_subcommand("demo"), commands);
  if (app.got_subcommand("check-config")) return run_check_config(flags.check);
  if (app.got_subcommand("backup")) return run_backup(flags.backup);
  if (app.got_subcommand("verify")) return verify_command(flags.verify.path);
  if (app.got_subcommand("restore")) return restore_command(flags.restore.backup, flags.restore.directory);
  if (app.got_subcommand("repair")) return repair_command({.directory = flags.repair.directory, .is_trial = flags.repair.is_trial});
  if (app.got_subcommand("jobs")) return run_jobs(flags.jobs);
  if (app.got_subcommand("query")) return run_query(flags.query);
  if (app.got_subcommand("bench")) return run_bench(flags.load);
  if (app.got_subcommand("completion")) {
    print(bash_completion());
  } else {
    print("campanile " CAMPANILE_VERSION "\n");
  }
  return 0;
}

std::string words_of(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_snames()) words.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* nested : command.get_subcommands({})) {
    words.push_back(nested->get_name());
    words.push_back(words_of(*nested));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments, const Commands& commands) {
  // Nothing of CLI11 may pass this frame as an exception: it also throws where options are declared wrongly.
  try {
    CommandFlags flags;
    const std::unique_ptr<CLI::App> app = make_application(flags);
    if (arguments.empty()) {
      print_error(app->help());
      return kExitUsage;
    }
    const std::string& name = arguments[0];
    const std::span<const std::string> rest = std::span(arguments).subspan(1);
    if (name == "pub") return run_client(client::Tool::kPublish, rest);
    if (name == "sub") return run_client(client::Tool::kSubscribe, rest);
    if (!name.starts_with('-') && !has_subcommand(*app, name)) return refuse_subcommand(*app, name);
    try {
      // CLI11 takes the arguments last one first.
      app->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
      return explain(*app, error);
    }
    return dispatch(*app, flags, commands);
  } catch (const std::exception& error) {
    print_error(fmt::format("campanile: {}", error.what()));
    return kExitError;
  }
}

std::string bash_completion() {
  CommandFlags flags;
  const std::unique_ptr<CLI::App> app = make_application(flags);
  std::string cases;
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands({})) {
    names.push_back(command->get_name());
    const std::string extra = command->get_name() == "completion" ? " bash" : "";
    cases += fmt::format("    {}) words=\"{}{}\" ;;\n", command->get_name(), words_of(*command), extra);
  }
  return fmt::format(
      "# bash completion for campanile; install with: campanile completion bash > /etc/bash_completion.d/campanile\n"
      "_campanile() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" previous=\"${{COMP_WORDS[COMP_CWORD-1]}}\" words=\"\"\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"$previous\" in\n"
      "    --config|--data|--to|--cafile|--cert|--key|--file|-f) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
      "  esac\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n"
      "{}"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  case \"${{COMP_WORDS[1]}}\" in check-config|verify|restore|repair) COMPREPLY+=($(compgen -f -- \"$current\")) ;; esac\n"
      "}}\n"
      "complete -F _campanile campanile\n",
      fmt::join(names, " "), cases);
}

}  // namespace campanile::app
