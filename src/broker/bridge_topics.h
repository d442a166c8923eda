// BridgeTopics: what a message is called on the other side of a bridge.
//
//   BridgeTopics topics(options.topics);
//   std::string name;
//   if (topics.to_remote("u4/302/co2", name)) ...    // "campus/u4/302/co2"
//
// The first topic of the list that fits decides, as each side delivers a message once however many filters match it.
// Threads: read-only once made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/bridge_options.h"

namespace campanile::broker {

class BridgeTopics {
 public:
  // REQUIRES: check() passed them.
  explicit BridgeTopics(std::vector<BridgeTopic> topics);

  // The name there; false where nothing lets it pass.
  bool to_remote(std::string_view local, std::string& remote) const;
  bool to_local(std::string_view remote, std::string& local) const;

  const std::vector<BridgeTopic>& all() const { return topics_; }
  // How many bytes longer a name can become on its way out, or in.
  size_t growth_out() const { return growth_out_; }
  size_t growth_in() const { return growth_in_; }

 private:
  std::vector<BridgeTopic> topics_;
  std::vector<std::string> local_filters_;
  std::vector<std::string> remote_filters_;
  size_t growth_out_ = 0;
  size_t growth_in_ = 0;
};

}  // namespace campanile::broker
