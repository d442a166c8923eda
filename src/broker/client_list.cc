#include "broker/client_list.h"

#include <algorithm>
#include <atomic>
#include <map>

#include "broker/broker_loop.h"
#include "broker/link.h"
#include "broker/shared_state.h"

namespace campanile::broker {
namespace {

bool comes_before(const std::shared_ptr<Session>& a, const std::shared_ptr<Session>& b) { return a->client_id() < b->client_id(); }

ClientStatus status_of(const Session& session, const SessionStatus& now) {
  return {.client_id = session.client_id(),
          .connected = now.link != nullptr,
          .since_ns = now.since_ns,
          .expiry_s = now.expiry_s,
          .version = now.version,
          .subscriptions = now.subscriptions,
          .in_flight = now.in_flight,
          .queued_messages = now.queued_messages,
          .queued_bytes = now.queued_bytes,
          .messages_out = now.messages_out};
}

void add_link(ClientStatus& client, LinkStatus link) {
  client.user = std::move(link.user);
  client.peer = std::move(link.peer);
  client.listener = std::move(link.listener);
  client.keep_alive_s = link.keep_alive_s;
  client.messages_in = link.messages_in;
  client.bytes_in = link.bytes_in;
  client.bytes_out = link.bytes_out;
  client.unsent_bytes = link.unsent_bytes;
  client.will_topic = std::move(link.will_topic);
}

// Asks each connection on its own loop, and calls `done` when the last loop has answered.
void ask_links(const std::vector<std::shared_ptr<Session>>& sessions, std::function<void(std::vector<ClientStatus>)> done) {
  struct Asked {
    std::vector<ClientStatus> clients;
    std::atomic<size_t> loops_left{0};
    std::function<void(std::vector<ClientStatus>)> done;
  };
  using Link_at = std::pair<size_t, std::shared_ptr<Link>>;
  const auto asked = std::make_shared<Asked>();
  asked->done = std::move(done);
  std::map<BrokerLoop*, std::vector<Link_at>> by_loop;
  for (const auto& session : sessions) {
    SessionStatus now = session->status();
    asked->clients.push_back(status_of(*session, now));
    if (now.link) by_loop[&now.link->loop()].emplace_back(asked->clients.size() - 1, std::move(now.link));
  }
  if (by_loop.empty()) return asked->done(std::move(asked->clients));
  asked->loops_left = by_loop.size();
  for (auto& [loop, found] : by_loop) {
    loop->event_loop().post([asked, links = std::move(found)] {
      for (const auto& [at, link] : links) add_link(asked->clients[at], link->status());
      if (--asked->loops_left == 0) asked->done(std::move(asked->clients));
    });
  }
}

}  // namespace

// The first count_max + 1 behind `after`, by client identifier: a heap with the last one on top.
std::vector<std::shared_ptr<Session>> ClientList::select(const ClientQuery& query, ClientPage& page) const {
  std::vector<std::shared_ptr<Session>> first;
  shared_->registry.each([&](const std::shared_ptr<Session>& session) {
    const std::string& id = session->client_id();
    if (!query.contains.empty() && id.find(query.contains) == std::string::npos) return;
    if (query.state != ClientQuery::State::kAny && session->connected() != (query.state == ClientQuery::State::kConnected)) return;
    ++page.matching;
    if (!query.after.empty() && id <= query.after) return;
    if (first.size() > query.count_max && !comes_before(session, first.front())) return;
    first.push_back(session);
    std::push_heap(first.begin(), first.end(), comes_before);
    if (first.size() <= query.count_max + 1) return;
    std::pop_heap(first.begin(), first.end(), comes_before);
    first.pop_back();
  });
  std::ranges::sort(first, comes_before);
  page.more = first.size() > query.count_max;
  if (page.more) first.pop_back();
  return first;
}

void ClientList::page(const ClientQuery& query, std::function<void(ClientPage)> done) const {
  ClientPage page;
  const auto sessions = select(query, page);
  ask_links(sessions, [page = std::move(page), done = std::move(done)](std::vector<ClientStatus> clients) mutable {
    page.clients = std::move(clients);
    done(std::move(page));
  });
}

std::vector<SubscriptionStatus> ClientList::subscriptions_of(const Session& session, std::vector<std::string> filters) const {
  std::vector<SubscriptionStatus> found;
  for (std::string& filter : filters) {
    const auto subscription = shared_->tree.find(filter, session);
    if (!subscription) continue;  // taken back meanwhile
    found.push_back({.client_id = session.client_id(),
                     .filter = std::move(filter),
                     .qos = subscription->qos,
                     .no_local = subscription->no_local,
                     .retain_as_published = subscription->retain_as_published,
                     .identifier = subscription->identifier});
  }
  return found;
}

void ClientList::find(std::string_view client_id, size_t subscriptions_max, std::function<void(ClientDetails)> done) const {
  const std::shared_ptr<Session> session = shared_->registry.find(client_id);
  if (!session) return done({});
  ClientDetails details{.found = true};
  auto filters = session->filters();
  std::ranges::sort(filters);
  details.more = filters.size() > subscriptions_max;
  if (details.more) filters.resize(subscriptions_max);
  details.subscriptions = subscriptions_of(*session, std::move(filters));
  ask_links({session}, [details = std::move(details), done = std::move(done)](std::vector<ClientStatus> clients) mutable {
    details.client = std::move(clients.front());
    done(std::move(details));
  });
}

SubscriptionPage ClientList::subscriptions(const SubscriptionQuery& query) const {
  std::vector<std::shared_ptr<Session>> sessions;
  shared_->registry.each([&](const std::shared_ptr<Session>& session) {
    if (session->client_id() >= query.after_client) sessions.push_back(session);
  });
  std::ranges::sort(sessions, comes_before);
  SubscriptionPage page;
  for (const auto& session : sessions) {
    const bool any_filter = session->client_id().find(query.contains) != std::string::npos;
    auto filters = session->filters();
    std::erase_if(filters, [&](const std::string& filter) {
      return (session->client_id() == query.after_client && filter <= query.after_filter) || (!any_filter && filter.find(query.contains) == std::string::npos);
    });
    std::ranges::sort(filters);
    const size_t room = query.count_max - page.subscriptions.size();
    page.more = filters.size() > room;
    if (page.more) filters.resize(room);
    std::ranges::move(subscriptions_of(*session, std::move(filters)), std::back_inserter(page.subscriptions));
    if (page.more) break;
  }
  return page;
}

}  // namespace campanile::broker
