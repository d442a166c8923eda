#include "api/live.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/answers.h"
#include "base/log.h"

namespace campanile::api {
namespace {

constexpr std::string_view kEverything = "*";

// One [id, time, value] of a values message.
void append_value(std::string& out, const Sensor& sensor) {
  if (!out.empty()) out += ',';
  out += fmt::format("[\"{}\",{},{}]", sensor.id, to_ms(sensor.time_ns), boost::json::serialize(json_value(sensor.value)));
}

}  // namespace

// What the hub knows of one open page. `wanted_*` are written by the page's loop under `mutex`; the rest belongs to the hub's thread.
struct LiveHub::Client {
  std::shared_ptr<net::WebSocket> socket;
  std::mutex mutex;
  bool closed = false;
  bool wanted_changed = false;
  bool wants_everything = false;
  std::vector<std::string> wanted_ids;

  size_t announced = 0;              // how many sensors the page has been told of
  bool everything = false;
  std::vector<size_t> indices;       // of the subscribed sensors that exist, ascending
  std::vector<std::string> missing;  // subscribed ids that no sensor has yet
  uint64_t sent = 0;                 // the poll up to which the page has everything
  int64_t stuck_since_ns = 0;        // 0 while the page takes what it is sent
};

// The page's end of the socket: reads subscriptions.
class LiveHub::Connection final : public net::WebSocketHandler {
 public:
  Connection(LiveHub& hub, std::shared_ptr<Client> client) : hub_(hub), client_(std::move(client)) {}

  void on_open(std::shared_ptr<net::WebSocket> socket) override {
    client_->socket = std::move(socket);
    // A page opens the channel first and asks for the list then: what it may not find there is news to be told.
    client_->announced = hub_.directory_.size();
    const std::lock_guard lock(hub_.mutex_);
    hub_.clients_.push_back(client_);
    hub_.wake_.notify_one();
  }

  void on_text(std::string_view text) override {
    if (const auto result = subscribe(text); !result) {
      client_->socket->send_text(boost::json::serialize(boost::json::value{{"type", "error"}, {"error", result.error().message}}));
    }
  }

  void on_closed() override {
    const std::lock_guard lock(client_->mutex);
    client_->closed = true;
  }

 private:
  Result<void> subscribe(std::string_view text) {
    boost::system::error_code error;
    const auto message = boost::json::parse(text, error);
    const auto* const object = error ? nullptr : message.if_object();
    const auto* const wanted = object == nullptr ? nullptr : object->if_contains("subscribe");
    const auto* const list = wanted == nullptr ? nullptr : wanted->if_array();
    const auto* const word = wanted == nullptr ? nullptr : wanted->if_string();
    if (list == nullptr && (word == nullptr || *word != kEverything)) {
      return fail(ErrorCode::kInvalidArgument, "a message is {{\"subscribe\": [\"sensor id\", …]}} or {{\"subscribe\": \"*\"}}");
    }
    std::vector<std::string> ids;
    if (list != nullptr) {
      for (const auto& id : *list) {
        if (!id.is_string()) return fail(ErrorCode::kInvalidArgument, "a sensor id is a string such as \"17.value\"");
        ids.emplace_back(id.get_string());
      }
    }
    const std::lock_guard lock(client_->mutex);
    client_->wants_everything = word != nullptr;
    client_->wanted_ids = std::move(ids);
    client_->wanted_changed = true;
    return {};
  }

  LiveHub& hub_;
  std::shared_ptr<Client> client_;
};

LiveHub::LiveHub(SensorDirectory& directory, std::function<std::string()> status_json, const Clock& clock, const LiveOptions& options,
                 Metrics& metrics)
    : directory_(directory),
      status_json_(std::move(status_json)),
      clock_(clock),
      options_(options),
      messages_sent_(metrics.counter("campanile_live_messages_sent_total", "Messages sent to open pages")),
      messages_deferred_(metrics.counter("campanile_live_messages_deferred_total", "Messages held back because a page was slow")) {}

LiveHub::~LiveHub() { stop(); }

void LiveHub::start() {
  thread_ = std::thread([this] { run(); });
}

void LiveHub::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LiveHub::accept(net::HttpResponder responder) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || clients_.size() >= options_.clients_max) {
      return responder.respond(error_answer({ErrorCode::kOverloaded, fmt::format("{} pages are open, which is the most", options_.clients_max)}));
    }
  }
  responder.accept_websocket(std::make_unique<Connection>(*this, std::make_shared<Client>()));
}

void LiveHub::run() {
  const auto interval = std::chrono::milliseconds(1000 / std::max<uint32_t>(1, options_.updates_per_s));
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::erase_if(clients_, [](const auto& client) {
      const std::lock_guard client_lock(client->mutex);
      return client->closed;
    });
    if (clients_.empty()) {
      wake_.wait(lock, [this] { return stopping_ || !clients_.empty(); });
      continue;
    }
    const Clients clients = clients_;
    lock.unlock();
    send_new_sensors(clients);
    send_values(clients);
    send_status(clients);
    drop_stuck(clients);
    lock.lock();
    wake_.wait_for(lock, interval, [this] { return stopping_; });
  }
}

void LiveHub::send_new_sensors(const Clients& clients) {
  directory_.refresh();
  const size_t known = directory_.size();
  std::string message;
  size_t message_first = 0;
  for (const auto& client : clients) {
    if (client->announced == known) continue;
    if (message.empty() || message_first != client->announced) {
      message_first = client->announced;
      std::string body;
      const auto append = [&body](size_t, const Sensor& sensor) {
        if (!body.empty()) body += ',';
        body += sensor_json(sensor);
      };
      directory_.visit(append, message_first);
      message = fmt::format("{{\"type\":\"sensors\",\"sensors\":[{}]}}", body);
    }
    if (client->socket->send_text(message)) client->announced = known;
  }
}

void LiveHub::resolve(Client& client) const {
  {
    const std::lock_guard lock(client.mutex);
    if (client.wanted_changed) {
      client.wanted_changed = false;
      client.everything = client.wants_everything;
      client.missing = std::move(client.wanted_ids);
      client.wanted_ids.clear();
      client.indices.clear();
      client.sent = 0;
    }
  }
  if (client.missing.empty()) return;
  std::erase_if(client.missing, [&](const std::string& id) {
    const auto index = directory_.find(id);
    if (index) client.indices.push_back(*index);
    return index.has_value();
  });
  std::sort(client.indices.begin(), client.indices.end());
  client.indices.erase(std::unique(client.indices.begin(), client.indices.end()), client.indices.end());
}

std::vector<size_t> LiveHub::subscribed_by_any(const Clients& clients) const {
  std::vector<size_t> all;
  for (const auto& client : clients) all.insert(all.end(), client->indices.begin(), client->indices.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void LiveHub::send_values(const Clients& clients) {
  for (const auto& client : clients) resolve(*client);
  const bool everything = std::any_of(clients.begin(), clients.end(), [](const auto& client) { return client->everything; });
  const auto indices = everything ? std::vector<size_t>() : subscribed_by_any(clients);
  if (!everything && indices.empty()) return;
  const uint64_t poll = directory_.poll(indices);

  // Pages that want everything and are equally far get the same text.
  std::string shared_values;
  uint64_t shared_since = UINT64_MAX;
  for (const auto& client : clients) {
    std::string own_values;
    std::string* values = &own_values;
    const auto append = [&](size_t, const Sensor& sensor) {
      if (sensor.changed > client->sent && sensor.time_ns != 0) append_value(*values, sensor);
    };
    if (client->everything) {
      values = &shared_values;
      if (shared_since != client->sent) {
        shared_values.clear();
        shared_since = client->sent;
        directory_.visit(append);
      }
    } else {
      directory_.visit_some(client->indices, append);
    }
    if (values->empty()) {
      client->sent = poll;
      continue;
    }
    const bool taken = client->socket->send_text(fmt::format("{{\"type\":\"values\",\"time_ms\":{},\"values\":[{}]}}", to_ms(clock_.now_ns()), *values));
    (taken ? messages_sent_ : messages_deferred_).add();
    if (taken) {
      client->sent = poll;
      client->stuck_since_ns = 0;
    } else if (client->stuck_since_ns == 0) {
      client->stuck_since_ns = clock_.steady_ns();
    }
  }
}

void LiveHub::send_status(const Clients& clients) {
  const int64_t now_ns = clock_.steady_ns();
  if (now_ns < status_due_ns_) return;
  status_due_ns_ = now_ns + kNanosPerSecond;
  const std::string message = status_json_();
  for (const auto& client : clients) client->socket->send_text(message);
}

void LiveHub::drop_stuck(const Clients& clients) {
  const int64_t limit_ns = static_cast<int64_t>(options_.slow_client_timeout_ms) * kNanosPerMilli;
  for (const auto& client : clients) {
    if (client->stuck_since_ns == 0 || clock_.steady_ns() - client->stuck_since_ns < limit_ns) continue;
    log::info("closing the live channel of a page that has taken nothing for {} s", options_.slow_client_timeout_ms / 1000);
    client->socket->close(1013, "too slow; connect again");
    client->stuck_since_ns = 0;
  }
}

}  // namespace campanile::api
