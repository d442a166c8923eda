// LoadPlan: what all threads of a load run share and never change: the broker's address, the topics, who is to get what.
//
//   const LoadPlan plan = TRY(LoadPlan::make(options));
//   plan.topics[plan.topic_of(publisher, sequence)];
//
// Threads: read-only once made. Errors of make(): kNotFound (host), kIoError (certificates, the payload's file), kInvalidArgument.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include <openssl/types.h>

#include "app/bench/load_options.h"

namespace campanile::app::bench {

class LoadPlan {
 public:
  static Result<LoadPlan> make(const LoadOptions& options);

  // Which of `topics` the message is published to.
  uint32_t topic_of(uint32_t publisher, uint64_t sequence) const {
    if (topics_by_publisher) return publisher * options.topics + static_cast<uint32_t>(sequence % options.topics);
    return static_cast<uint32_t>((publisher + sequence) % options.topics);
  }
  // "127.0.0.1:1883", as it was asked for.
  std::string broker() const;

  LoadOptions options;
  sockaddr_storage address{};
  socklen_t address_bytes = 0;
  std::shared_ptr<SSL_CTX> tls;  // null without TLS
  uint32_t run_tag = 0;
  std::string run_name;          // what the client identifiers begin with
  std::string file;              // the payload with --payload file
  std::vector<std::string> topics;
  bool topics_by_publisher = false;
  std::vector<bool> matched;     // by topic: whether the filter matches it
  bool all_matched = false;
  bool is_shared = false;        // the filter is a shared subscription: each message goes to one subscriber
  bool is_stamped = false;       // payloads carry publisher, number and time
};

// `pattern` with {t}, {b} and {p} replaced.
std::string topic_name(std::string_view pattern, uint32_t topic, uint32_t publisher);

}  // namespace campanile::app::bench
