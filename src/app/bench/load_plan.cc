#include "app/bench/load_plan.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>
#include <fstream>

#include "base/random.h"
#include "mqtt/topic.h"
#include "net/tcp.h"

namespace campanile::app::bench {
namespace {

constexpr uint32_t kBuildings = 79;

Result<void> resolve(LoadPlan& plan) {
  addrinfo wanted{};
  wanted.ai_family = plan.options.source_addresses.empty() ? AF_UNSPEC : AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(plan.options.host.c_str(), std::to_string(plan.options.port).c_str(), &wanted, &found);
  if (error != 0) return fail(ErrorCode::kNotFound, "{}: no such host ({}); -h names another", plan.options.host, gai_strerror(error));
  // IPv4 first: most brokers on one's own machine listen there alone, and a load cannot try one after the other.
  const addrinfo* best = found;
  for (const addrinfo* at = found; at; at = at->ai_next) {
    if (at->ai_family == AF_INET) {
      best = at;
      break;
    }
  }
  std::memcpy(&plan.address, best->ai_addr, best->ai_addrlen);
  plan.address_bytes = best->ai_addrlen;
  freeaddrinfo(found);
  return {};
}

std::string tls_error() {
  char words[256];
  ERR_error_string_n(ERR_get_error(), words, sizeof words);
  ERR_clear_error();
  return words;
}

Result<void> prepare_tls(LoadPlan& plan) {
  const LoadOptions& options = plan.options;
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return fail(ErrorCode::kIoError, "starting TLS: {}", tls_error());
  SSL_CTX* const tls = context.get();
  SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
  // Buffers grow while a record is only half written, and idle connections keep none.
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(tls) != 1 : SSL_CTX_load_verify_file(tls, options.ca_file.c_str()) != 1) {
    return fail(ErrorCode::kIoError, "reading CA file {}: {}", options.ca_file, tls_error());
  }
  if (!options.certificate_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(tls, options.certificate_file.c_str()) != 1) {
      return fail(ErrorCode::kIoError, "reading certificate file {}: {}", options.certificate_file, tls_error());
    }
    if (SSL_CTX_use_PrivateKey_file(tls, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return fail(ErrorCode::kIoError, "reading key file {}: {}", options.key_file, tls_error());
    }
  }
  plan.tls = std::move(context);
  return {};
}

Result<void> read_file(LoadPlan& plan) {
  std::ifstream in(plan.options.file, std::ios::binary);
  if (!in) return fail(ErrorCode::kIoError, "--file: {} cannot be read", plan.options.file);
  plan.file.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  if (plan.file.size() > kPayloadBytesMax) return fail(ErrorCode::kTooLarge, "--file: {} is larger than {} bytes", plan.options.file, kPayloadBytesMax);
  return {};
}

void lay_out_topics(LoadPlan& plan) {
  const LoadOptions& options = plan.options;
  plan.topics_by_publisher = options.topic.find("{p}") != std::string::npos && options.publishers > 0;
  const uint32_t tables = plan.topics_by_publisher ? options.publishers : 1;
  plan.topics.reserve(size_t{tables} * options.topics);
  for (uint32_t publisher = 0; publisher < tables; ++publisher) {
    for (uint32_t topic = 0; topic < options.topics; ++topic) plan.topics.push_back(topic_name(options.topic, topic, publisher));
  }
  const auto shared = mqtt::parse_shared(options.filter);
  plan.is_shared = shared.has_value();
  plan.all_matched = true;
  for (const std::string& topic : plan.topics) {
    plan.matched.push_back(mqtt::topic_matches(shared ? shared->filter : std::string_view(options.filter), topic));
    plan.all_matched = plan.all_matched && plan.matched.back();
  }
}

}  // namespace

std::string topic_name(std::string_view pattern, uint32_t topic, uint32_t publisher) {
  std::string name;
  while (!pattern.empty()) {
    const bool is_placeholder = pattern.size() >= 3 && pattern[0] == '{' && pattern[2] == '}';
    if (is_placeholder && (pattern[1] == 't' || pattern[1] == 'b' || pattern[1] == 'p')) {
      name += std::to_string(pattern[1] == 't' ? topic : pattern[1] == 'b' ? topic % kBuildings : publisher);
      pattern.remove_prefix(3);
    } else {
      name += pattern[0];
      pattern.remove_prefix(1);
    }
  }
  return name;
}

std::string LoadPlan::broker() const { return net::Address{options.host, options.port}.to_string(); }

Result<LoadPlan> LoadPlan::make(const LoadOptions& options) {
  LoadPlan plan;
  plan.options = options;
  TRY(resolve(plan));
  if (options.tls) TRY(prepare_tls(plan));
  if (options.payload == PayloadKind::kFile) TRY(read_file(plan));
  lay_out_topics(plan);
  plan.is_stamped = options.payload == PayloadKind::kRandom && options.size >= kStampBytes;
  const std::string tag = random_bytes(sizeof plan.run_tag);
  std::memcpy(&plan.run_tag, tag.data(), tag.size());
  plan.run_name = fmt::format("bench-{:08x}-", plan.run_tag);
  return plan;
}

}  // namespace campanile::app::bench
