#include "app/bench/load_options.h"

#include <cmath>

#include "app/bench/source_addresses.h"
#include "base/text.h"
#include "mqtt/topic.h"
#include "mqtt/wire.h"

namespace campanile::app::bench {
namespace {

constexpr std::string_view kExamples =
    "Topic patterns: {t} is the number of the topic, {b} its building (of 79), {p} the number of the publisher.\n"
    "Progress goes to standard error, the closing table to standard output.\n"
    "Exit codes: 0; 1 where connections failed or were lost; 2 usage; 3 where acknowledged messages were not delivered.\n\n"
    "Examples:\n"
    "  campanile bench mqtt -h broker.lab --publishers 50 --subscribers 1 --qos 1        as fast as acknowledged\n"
    "  campanile bench mqtt --publishers 1000 --subscribers 0 --window 1 --payload campus  readings, stored one by one\n"
    "  campanile bench mqtt --publishers 1 --subscribers 100 --rate 2000 --duration 30     latency of a fan-out\n"
    "  campanile bench mqtt --publishers 0 --subscribers 0 --idle 15000 --broker-pid 4711  memory of idle connections\n"
    "  campanile bench mqtt --rate 50000 --churn 200 --duration 1800 --json               a soak, with comings and goings\n"
    "  campanile bench mqtt --idle 60000 --source-addresses 127.0.1.1-127.0.1.4            past 28,000 connections";

void add_load_flags(CLI::App& command, LoadFlags& flags) {
  command.add_option("--publishers", flags.publishers, "Connections that publish")->type_name("N")->capture_default_str();
  command.add_option("--subscribers", flags.subscribers, "Connections that subscribe")->type_name("N")->capture_default_str();
  command.add_option("--idle", flags.idle, "Connections that do nothing")->type_name("N")->capture_default_str();
  command.add_option("-q,--qos", flags.qos, "Quality of service, both ways: 0, 1 or 2")->type_name("QOS")->capture_default_str();
  command.add_option("--size", flags.size, "Bytes of a random payload; from 24 on they carry number and time")->type_name("BYTES")->capture_default_str();
  command.add_option("--rate", flags.rate, "Messages a second altogether; 0: as fast as they are taken or acknowledged")->type_name("N")->capture_default_str();
  command.add_option("--window,--in-flight", flags.window, "Messages of one publisher that wait for their acknowledgement")->type_name("N")->capture_default_str();
  command.add_option("--topics", flags.topics, "Different topics")->type_name("N")->capture_default_str();
  command.add_option("--topic", flags.topic, "Their pattern (bench/building{b}/room{t}/temperature; campus: b{b}/r{t}/temperature)")->type_name("PATTERN");
  command.add_option("--filter", flags.filter, "What subscribers subscribe to (all of the pattern)")->type_name("FILTER");
  command.add_option("--payload", flags.payload, "random, campus (readings that Campanile stores) or file")->type_name("KIND")->capture_default_str();
  command.add_option("-f,--file", flags.file, "The payload's file, with --payload file")->type_name("FILE");
  command.add_flag("--retain", flags.retain, "Ask the broker to keep the last message of each topic");
  command.add_option("--duration", flags.duration_s, "How long is measured")->type_name("SECONDS")->capture_default_str();
  command.add_option("--warm-up", flags.warm_up_s, "How long the load runs before")->type_name("SECONDS")->capture_default_str();
  command.add_option("--churn", flags.churn, "Visitors a second that connect, subscribe and leave, every fourth without a word")->type_name("N")->capture_default_str();
  command.add_option("--threads", flags.threads, "Threads that make the load")->type_name("N")->capture_default_str();
}

void add_connection_flags(CLI::App& command, LoadFlags& flags) {
  command.add_option("-h,--host", flags.host, "The broker")->type_name("HOST")->capture_default_str();
  command.add_option("-p,--port", flags.port, "Its port (1883, with TLS 8883)")->type_name("PORT");
  command.add_option("-V,--protocol", flags.protocol, "3.1.1 or 5")->type_name("VERSION")->capture_default_str();
  command.add_option("-u,--username", flags.user, "The name to log in with")->type_name("USER");
  command.add_option("-P,--password", flags.password, "Its password")->type_name("PASSWORD");
  command.add_option("-k,--keep-alive", flags.keep_alive_s, "Keep-alive of every connection; 0: none")->type_name("SECONDS")->capture_default_str();
  command.add_option("--cafile", flags.ca_file, "Certificates to trust; turns TLS on")->type_name("FILE");
  command.add_option("--cert", flags.certificate_file, "Client certificate; needs --key")->type_name("FILE");
  command.add_option("--key", flags.key_file, "Its key")->type_name("FILE");
  command.add_flag("--tls", flags.tls, "TLS with the certificates that the system trusts");
  command.add_flag("--insecure", flags.insecure, "Do not check that the certificate bears the host's name");
  command.add_option("--source-addresses", flags.source_addresses, "Connect from these in turn: FIRST-LAST, ADDRESS/BITS, or a list")->type_name("ADDRESSES");
  command.add_option("--connect-rate", flags.connect_rate, "Connections opened a second; 0: as fast as they are accepted")->type_name("N")->capture_default_str();
}

void add_report_flags(CLI::App& command, LoadFlags& flags) {
  command.add_option("--broker-pid", flags.broker_pid, "The broker's process, to tell its memory and CPU time")->type_name("PID");
  command.add_flag("--json", flags.json, "One line of JSON in place of the closing table");
  command.add_flag("--quiet", flags.quiet, "No progress");
}

Result<mqtt::ProtocolVersion> version_of(std::string_view text) {
  if (text == "5" || text == "5.0" || text == "mqttv5") return mqtt::ProtocolVersion::kV5;
  if (text == "3.1.1" || text == "311" || text == "mqttv311") return mqtt::ProtocolVersion::kV311;
  return fail(ErrorCode::kInvalidArgument, "--protocol: found '{}', wanted 3.1.1 or 5", excerpt(text));
}

Result<PayloadKind> payload_of(const LoadFlags& flags) {
  if (flags.payload == "file") {
    if (flags.file.empty()) return fail(ErrorCode::kInvalidArgument, "--payload file: name it with --file");
    return PayloadKind::kFile;
  }
  if (!flags.file.empty()) return fail(ErrorCode::kInvalidArgument, "--file: needs --payload file");
  if (flags.payload == "random") return PayloadKind::kRandom;
  if (flags.payload == "campus") return PayloadKind::kCampus;
  return fail(ErrorCode::kInvalidArgument, "--payload: found '{}', wanted random, campus or file", excerpt(flags.payload));
}

Result<void> check_number(std::string_view flag, double value, double low, double high) {
  if (std::isfinite(value) && value >= low && value <= high) return {};
  return fail(ErrorCode::kInvalidArgument, "{}: found {}, wanted {} to {}", flag, value, low, high);
}

Result<void> check_numbers(const LoadFlags& flags) {
  TRY(check_number("--qos", flags.qos, 0, 2));
  TRY(check_number("--size", static_cast<double>(flags.size), 0, kPayloadBytesMax));
  TRY(check_number("--rate", flags.rate, 0, 1e9));
  TRY(check_number("--window", static_cast<double>(flags.window), 1, 65'535));
  TRY(check_number("--topics", static_cast<double>(flags.topics), 1, kTopicsMax));
  TRY(check_number("--duration", flags.duration_s, 0.1, 1e7));
  TRY(check_number("--warm-up", flags.warm_up_s, 0, 1e6));
  TRY(check_number("--connect-rate", flags.connect_rate, 0, 1e6));
  TRY(check_number("--churn", flags.churn, 0, 1e5));
  TRY(check_number("--threads", static_cast<double>(flags.threads), 1, kThreadsMax));
  TRY(check_number("--keep-alive", static_cast<double>(flags.keep_alive_s), 0, 65'535));
  for (const auto& [flag, count] : {std::pair("--publishers", flags.publishers), {"--subscribers", flags.subscribers}, {"--idle", flags.idle}}) {
    TRY(check_number(flag, static_cast<double>(count), 0, kConnectionsMax));
  }
  if (flags.publishers + flags.subscribers + flags.idle == 0 && flags.churn == 0) {
    return fail(ErrorCode::kInvalidArgument, "there is nothing to do: give some of --publishers, --subscribers, --idle, --churn");
  }
  return {};
}

// The subscribers' default: everything that the pattern can give, found by putting wildcards where it has a placeholder.
std::string filter_of_pattern(std::string_view pattern) {
  std::string filter;
  for (mqtt::TopicLevels levels(pattern); levels.next();) {
    if (!filter.empty() || levels.level().data() != pattern.data()) filter += '/';
    filter += levels.level().find('{') == std::string_view::npos ? levels.level() : std::string_view("+");
  }
  return filter;
}

Result<void> set_topics(const LoadFlags& flags, LoadOptions& options) {
  options.topics = static_cast<uint32_t>(flags.topics);
  options.topic = flags.topic;
  if (options.topic.empty()) {
    options.topic = options.payload == PayloadKind::kCampus ? "b{b}/r{t}/temperature" : "bench/building{b}/room{t}/temperature";
  } else if (options.topic.find('{') == std::string::npos) {
    options.topics = 1;
  }
  if (!mqtt::is_valid_string(options.topic) || options.topic.size() > 60'000 || !mqtt::is_valid_topic(options.topic, 65'535)) {
    return fail(ErrorCode::kInvalidArgument, "--topic: '{}' is not a topic to publish to", excerpt(options.topic));
  }
  options.filter = flags.filter.empty() ? filter_of_pattern(options.topic) : flags.filter;
  const auto shared = mqtt::parse_shared(options.filter);
  const std::string_view plain = shared ? shared->filter : std::string_view(options.filter);
  if (!mqtt::is_valid_string(options.filter) || options.filter.size() > 65'535 || !mqtt::is_valid_filter(plain, 65'535)) {
    return fail(ErrorCode::kInvalidArgument, "--filter: '{}' is not a topic filter", excerpt(options.filter));
  }
  const uint64_t tables = options.topic.find("{p}") == std::string::npos ? 1 : std::max<uint64_t>(1, flags.publishers);
  if (tables * options.topics > kTopicsMax) {
    return fail(ErrorCode::kTooLarge, "--topics: {} for each of {} publishers are more than {} topics; lower one of the two", options.topics, tables, kTopicsMax);
  }
  return {};
}

Result<void> set_connection(const LoadFlags& flags, LoadOptions& options) {
  options.tls = flags.tls || flags.insecure || !flags.ca_file.empty() || !flags.certificate_file.empty();
  options.host = flags.host;
  const uint16_t default_port = options.tls ? 8883 : 1883;
  options.port = flags.port == 0 ? default_port : flags.port;
  options.version = TRY(version_of(flags.protocol));
  if (!flags.user.empty()) options.user = flags.user;
  if (!flags.password.empty()) options.password = flags.password;
  if (options.password && !options.user) return fail(ErrorCode::kInvalidArgument, "--password: needs --username");
  if (flags.user.size() > 65'535 || flags.password.size() > 65'535) return fail(ErrorCode::kTooLarge, "--username, --password: at most 65,535 bytes each");
  if (flags.certificate_file.empty() != flags.key_file.empty()) return fail(ErrorCode::kInvalidArgument, "--cert and --key: one needs the other");
  options.ca_file = flags.ca_file;
  options.certificate_file = flags.certificate_file;
  options.key_file = flags.key_file;
  options.insecure = flags.insecure;
  if (!flags.source_addresses.empty()) options.source_addresses = TRY(parse_source_addresses(flags.source_addresses));
  return {};
}

}  // namespace

void add_mqtt_bench(CLI::App& bench, LoadFlags& flags) {
  CLI::App* command = bench.add_subcommand("mqtt", "Put load on an MQTT broker and measure what it does");
  // Scripts add to a base of flags: the last one counts.
  command->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  add_load_flags(*command, flags);
  add_connection_flags(*command, flags);
  add_report_flags(*command, flags);
  command->footer(std::string(kExamples));
}

Result<LoadOptions> check_load_flags(const LoadFlags& flags) {
  TRY(check_numbers(flags));
  LoadOptions options;
  options.payload = TRY(payload_of(flags));
  TRY(set_topics(flags, options));
  TRY(set_connection(flags, options));
  options.publishers = static_cast<uint32_t>(flags.publishers);
  options.subscribers = static_cast<uint32_t>(flags.subscribers);
  options.idle = static_cast<uint32_t>(flags.idle);
  options.qos = static_cast<uint8_t>(flags.qos);
  options.size = flags.size;
  options.rate = flags.rate;
  options.window = static_cast<uint16_t>(flags.window);
  options.file = flags.file;
  options.duration_s = flags.duration_s;
  options.warm_up_s = flags.warm_up_s;
  options.connect_rate = flags.connect_rate;
  options.churn = flags.churn;
  options.threads = static_cast<uint32_t>(flags.threads);
  options.keep_alive_s = static_cast<uint16_t>(flags.keep_alive_s);
  options.retain = flags.retain;
  options.broker_pid = flags.broker_pid;
  options.json = flags.json;
  options.quiet = flags.quiet;
  return options;
}

}  // namespace campanile::app::bench
