// ClientList: looks at the sessions of a running broker without holding it up.
//
//   ClientList(shared).page({.contains = "neosensor"}, [](ClientPage page) { ... });
//
// A session is locked for the moment that copying its numbers takes, a shard of the registry for copying its pointers; what only a
// connection's loop knows is asked on that loop. A page is therefore no picture of one instant.
// Threads: any but an event loop, since a million sessions take their time; `done` is called on a loop, or at once on the caller's
// thread where no connection needs to be asked. Limits: the caller's count_max.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/client_status.h"

namespace campanile::broker {

struct SharedState;
class Session;

class ClientList {
 public:
  explicit ClientList(std::shared_ptr<SharedState> shared) : shared_(std::move(shared)) {}

  void page(const ClientQuery& query, std::function<void(ClientPage)> done) const;
  void find(std::string_view client_id, size_t subscriptions_max, std::function<void(ClientDetails)> done) const;
  SubscriptionPage subscriptions(const SubscriptionQuery& query) const;

 private:
  std::vector<std::shared_ptr<Session>> select(const ClientQuery& query, ClientPage& page) const;
  std::vector<SubscriptionStatus> subscriptions_of(const Session& session, std::vector<std::string> filters) const;

  const std::shared_ptr<SharedState> shared_;
};

}  // namespace campanile::broker
