#include "app/cli/subcommands.h"

#include "app/client/client_options.h"
#include "app/config/exposure.h"

namespace campanile::app {
namespace {

void add_serve_flags(CLI::App& command, ServeFlags& flags) {
  command.add_option("-c,--config", flags.config, "The configuration file; also CAMPANILE_CONFIG")->type_name("FILE");
  command.add_option("--data", flags.data, "Where the data is kept (data.directory)")->type_name("DIR");
  command.add_option("--http", flags.http, "Where HTTP is served (http.listen); port 0 picks a free one")->type_name("ADDR:PORT");
  command.add_option("--mqtt", flags.mqtt, "Where MQTT is served (mqtt.listen)")->type_name("ADDR:PORT");
  command.add_option("--set", flags.settings, "Any other setting, such as log.level=debug; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
  command.add_flag(std::string(kInsistFlag), flags.insist_open, "Listen beyond this machine although anybody may come in");
}

void add_serve(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("serve", "Run: take messages, keep them, show them");
  add_serve_flags(*command, flags.serve);
  command->footer(
      "Prints one line when ready: ready http=ADDR:PORT mqtt=ADDR:PORT. SIGTERM or SIGINT stop it.\n"
      "Settings: defaults, then the file, then CAMPANILE_… variables, then these flags.\n\n"
      "Examples:\n"
      "  campanile serve\n"
      "  campanile serve --config /etc/campanile.yaml --data /var/lib/campanile\n"
      "  campanile serve --http 127.0.0.1:0 --mqtt 127.0.0.1:0 --set log.level=debug");
}

void add_demo(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("demo", "Run with an emulated campus, to look around");
  add_serve_flags(*command, flags.serve);
  command->add_option("--seed", flags.serve.seed, "Another seed, another campus")->type_name("N")->capture_default_str();
  command->footer(
      "The data goes to a scratch directory that is removed at the end, unless --data or data.directory names one.\n\n"
      "Examples:\n"
      "  campanile demo\n"
      "  campanile demo --http 127.0.0.1:9000 --data /tmp/campus");
}

void add_client(CLI::App& app, client::Tool tool, const std::string& name, const std::string& description) {
  CLI::App* command = app.add_subcommand(name, description);
  command->set_help_flag();
  for (const client::Flag& flag : client::flag_table()) {
    if (tool == client::Tool::kPublish ? flag.publish : flag.subscribe) {
      const std::string description_of_flag(flag.description);
      command->add_flag(std::string(flag.name), description_of_flag)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
}

void add_check_config(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("check-config", "Check a configuration file, or print the defaults");
  command->add_option("file,-c,--config", flags.check.file, "The configuration file; also CAMPANILE_CONFIG")->type_name("FILE");
  command->add_flag("--defaults", flags.check.defaults, "Print every setting with its default and a comment, as a configuration file");
  command->add_flag("--print", flags.check.print, "Print every setting as it is in force, with the file and the environment");
  command->add_flag("--markdown", flags.check.markdown, "Print the tables of docs/guides/configuration.md");
  command->add_flag(std::string(kInsistFlag), flags.check.insist_open, "Do not mind that anybody may come in");
  command->footer(
      "Examples:\n"
      "  campanile check-config --defaults > campanile.yaml\n"
      "  campanile check-config campanile.yaml");
}

void add_backup(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("backup", "Make a backup of everything, while the server goes on");
  BackupFlags& backup = flags.backup;
  command->add_option("-c,--config", backup.where.config, "The server's configuration file; also CAMPANILE_CONFIG")->type_name("FILE");
  command->add_option("--http", backup.where.http, "Where the server is (http.listen)")->type_name("ADDR:PORT");
  command->add_option("--user", backup.user, "Which account to use; the configuration has its password")->type_name("NAME");
  command->add_option("--keep", backup.keep, "Keep so many backups and remove older ones; 0 keeps all")->type_name("N")->check(CLI::Range(0, 100'000))->capture_default_str();
  CLI::Option* offline = command->add_flag("--offline", backup.offline, "There is no server: read the data directory itself");
  command->add_option("--data", backup.where.data, "The data directory (data.directory)")->type_name("DIR")->needs(offline);
  command->add_option("--to", backup.to, "Where the backup goes (storage.backup_directory)")->type_name("DIR")->needs(offline);
  command->add_option("--set", backup.where.settings, "Any other setting, such as http.listen=…; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
  command->footer(
      "A running server puts its backups where its storage.backup_directory says. What an earlier backup there has is not copied again.\n"
      "It goes on when this command is ended; only the progress is no longer shown.\n\n"
      "Examples:\n"
      "  campanile backup --config /etc/campanile.yaml --keep 7\n"
      "  campanile backup --offline --data /var/lib/campanile --to /mnt/backups/campanile");
}

void add_verify(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("verify", "Read a backup, or a data directory, and tell whether it is whole");
  command->add_option("path", flags.verify.path, "A directory of backups (its newest), one *.backup in it, or the data directory of a server that is stopped")
      ->type_name("PATH")->required();
  command->footer(
      "Examples:\n"
      "  campanile verify /mnt/backups/campanile\n"
      "  campanile verify /mnt/backups/campanile/20261126T053702.123Z.backup\n"
      "  campanile verify /var/lib/campanile");
}

void add_restore(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("restore", "Make a data directory from a backup");
  command->add_option("backup", flags.restore.backup, "A directory of backups (its newest), or one *.backup in it")->type_name("BACKUP")->required();
  command->add_option("directory", flags.restore.directory, "The data directory: empty, or not there yet")->type_name("DIR")->required();
  command->footer(
      "Each file is compared with its checksum; where one is damaged nothing is restored.\n\n"
      "Example:\n"
      "  campanile restore /mnt/backups/campanile /var/lib/campanile");
}

void add_repair(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("repair", "Make a damaged data directory one that opens, without what is damaged");
  command->add_option("directory", flags.repair.directory, "The data directory of a server that is stopped")->type_name("DIR")->required();
  command->add_flag("--dry-run", flags.repair.is_trial, "Say what would be lost, and change nothing; ends with 1 where something is to be repaired");
  command->footer(
      "A backup restores everything that it has: prefer `campanile restore` where there is a recent one. What is changed is kept in the directory, in damaged/.\n\n"
      "Examples:\n"
      "  campanile repair --dry-run /var/lib/campanile\n"
      "  campanile repair /var/lib/campanile");
}

// Which running server is meant, and as whom to come.
void add_server(CLI::App& command, ServeFlags& where, std::string& user) {
  command.add_option("-c,--config", where.config, "The server's configuration file; also CAMPANILE_CONFIG")->type_name("FILE");
  command.add_option("--http", where.http, "Where the server is (http.listen)")->type_name("ADDR:PORT");
  command.add_option("--user", user, "Which account to use; the configuration has its password")->type_name("NAME");
  command.add_option("--set", where.settings, "Any other setting, such as http.listen=…; may be repeated")->type_name("KEY=VALUE")->allow_extra_args(false);
}

void add_query(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("query", "Ask a running server in InfluxQL, and show the answer");
  QueryFlags& query = flags.query;
  command->add_option("text", query.text, "The statements, in quotes; - reads them from standard input")->type_name("QUERY")->required();
  command->add_option("-d,--database", query.database, "The database, where a statement names none")->type_name("NAME")->default_str("the configuration's");
  command->add_option("--rp", query.retention_policy, "The retention policy, likewise")->type_name("NAME");
  command->add_option("-f,--format", query.form, "How the answer is shown")->type_name("FORM")->check(CLI::IsMember({"table", "csv", "json", "sparkline", "chart"}))->capture_default_str();
  command->add_flag("!--no-tiers", query.uses_tiers, "Answer from the points alone");
  add_server(*command, query.where, query.user);
  command->footer(
      "Examples:\n"
      "  campanile query 'SHOW MEASUREMENTS'\n"
      "  campanile query \"SELECT mean(value) FROM data WHERE time > now() - 1d GROUP BY time(10m), room\" --format chart\n"
      "  campanile query -f csv - < question.influxql > answer.csv");
}

void add_jobs(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("jobs", "Recompute continuous queries, tiers and trees over times that have passed");
  JobsFlags& jobs = flags.jobs;
  command->add_option("action", jobs.action, "What to do")->type_name("ACTION")->check(CLI::IsMember({"list", "add", "pause", "resume", "cancel", "watch"}))->capture_default_str();
  command->add_option("id", jobs.id, "Of which job")->type_name("ID");
  command->add_option("-d,--database", jobs.database, "Of a new job: the database")->type_name("NAME")->default_str("the configuration's");
  command->add_option("--query", jobs.query, "Of a new job: the continuous query, tier, tree, or a measurement of these")->type_name("NAME");
  command->add_option("--start", jobs.start, "Of a new job: from when on, as 2026-01-01T00:00:00Z")->type_name("TIME");
  command->add_option("--end", jobs.end, "Of a new job: until when")->type_name("TIME");
  command->add_option("--priority", jobs.priority, "Of a new job: greater ones go first")->type_name("N")->check(CLI::Range(-1000, 1000))->capture_default_str();
  command->add_flag("--watch", jobs.watch, "Show how it gets on until it is over");
  add_server(*command, jobs.where, jobs.user);
  command->footer(
      "Examples:\n"
      "  campanile jobs\n"
      "  campanile jobs add --query hourly --start 2026-01-01T00:00:00Z --end 2026-02-01T00:00:00Z --watch\n"
      "  campanile jobs pause 3");
}

void add_bench(CLI::App& app, CommandFlags& flags) {
  CLI::App* command = app.add_subcommand("bench", "Put load on a server and measure what it does");
  command->require_subcommand(1);
  bench::add_mqtt_bench(*command, flags.load);
  command->footer("Example:\n  campanile bench mqtt --publishers 50 --subscribers 1 --qos 1");
}

}  // namespace

std::unique_ptr<CLI::App> make_application(CommandFlags& flags) {
  auto app = std::make_unique<CLI::App>(
      "Campanile: the telemetry tower of a campus, an observatory, a testbed or a lab. It takes what sensors say over MQTT and HTTP, keeps it,\n"
      "shows it and answers queries, in one program.",
      "campanile");
  app->require_subcommand(1);
  app->set_help_flag("--help", "Print this help");
  app->set_version_flag("--version", "campanile " CAMPANILE_VERSION);
  add_serve(*app, flags);
  add_demo(*app, flags);
  add_client(*app, client::Tool::kPublish, "pub", "Publish MQTT messages, with the flags of mosquitto_pub");
  add_client(*app, client::Tool::kSubscribe, "sub", "Print MQTT messages, with the flags of mosquitto_sub");
  add_check_config(*app, flags);
  add_backup(*app, flags);
  add_verify(*app, flags);
  add_restore(*app, flags);
  add_repair(*app, flags);
  add_query(*app, flags);
  add_jobs(*app, flags);
  add_bench(*app, flags);
  app->add_subcommand("version", "Print the version");
  CLI::App* completion = app->add_subcommand("completion", "Print a script that completes commands in a shell");
  completion->add_option("shell", flags.shell, "The shell")->check(CLI::IsMember({"bash"}))->type_name("bash");
  completion->footer("Example:\n  campanile completion bash > /etc/bash_completion.d/campanile");
  app->footer(
      "Examples:\n"
      "  campanile demo                                  look around, with an emulated campus\n"
      "  campanile serve --data /var/lib/campanile       run\n"
      "  campanile pub -t lab/bench/temperature -m 21.5  send a reading\n"
      "  campanile sub -t '#' -v                         see what comes by\n"
      "  campanile query 'SELECT last(value) FROM data'  ask what is stored\n"
      "  campanile backup --keep 7                       save everything of a running server\n"
      "  campanile bench mqtt --subscribers 1            measure a broker\n\n"
      "`campanile COMMAND --help` tells more.");
  return app;
}

}  // namespace campanile::app
