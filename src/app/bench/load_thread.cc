#include "app/bench/load_thread.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "mqtt/encode.h"

namespace campanile::app::bench {
namespace {

constexpr size_t kReceiveBytes = 256 * 1024;
constexpr int kEventsMax = 1024;

int64_t steady_now() { return SystemClock().steady_ns(); }

}  // namespace

LoadThread::LoadThread(const LoadPlan& plan, LoadState& state, uint32_t index)
    : plan_(plan),
      state_(state),
      counters_(state.counters(index)),
      index_(index),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kReceiveBytes),
      payloads_(plan.options.payload, plan.options.size, plan.file, plan.run_tag) {
  CHECK(epoll_ >= 0);
  const LoadOptions& options = plan.options;
  // Subscribers first: what is published should find them.
  for (uint32_t number = index; number < options.connections(); number += options.threads) {
    const Role role = number < options.subscribers                        ? Role::kSubscriber
                      : number < options.subscribers + options.publishers ? Role::kPublisher
                                                                          : Role::kIdle;
    auto connection = std::make_unique<LoadConnection>(role, number);
    if (role == Role::kPublisher) {
      connection->publisher = std::make_unique<PublisherState>();
      connection->publisher->number = number - options.subscribers;
      publishers_.push_back(connection.get());
    } else if (role == Role::kSubscriber && plan.is_stamped && !plan.is_shared) {
      DeliveryTracker::Expected expected;
      if (!plan.all_matched) expected = [&plan](uint32_t publisher, uint64_t sequence) { return plan.matched[plan.topic_of(publisher, sequence)]; };
      connection->tracker = std::make_unique<DeliveryTracker>(std::move(expected));
    }
    connections_.push_back(std::move(connection));
  }
}

LoadThread::~LoadThread() { ::close(epoll_); }

void LoadThread::run() {
  const double share = 1.0 / plan_.options.threads;
  if (plan_.options.connect_rate > 0) opening_.emplace(plan_.options.connect_rate * share, steady_now());
  while (step()) {
  }
  say_goodbye();
}

bool LoadThread::step() {
  follow_phase();
  if (phase_ == Phase::kOver) return false;
  now_ns_ = steady_now();
  open_due(now_ns_);
  if (publishing_) publish_due(now_ns_);
  if (visiting_) send_visitors(now_ns_);
  if (now_ns_ >= next_keep_alive_ns_) keep_alive(now_ns_);

  epoll_event events[kEventsMax];
  // What is due at a rate is looked at every millisecond; a change of phase may wait ten.
  const bool is_timed = publishing_ || visiting_ || opening_;
  const int count = epoll_wait(epoll_, events, kEventsMax, is_timed ? 1 : 10);
  for (int at = 0; at < count; ++at) {
    auto& connection = *static_cast<LoadConnection*>(events[at].data.ptr);
    if (connection.state != LinkState::kClosed) handle(connection, events[at].events);
  }
  return true;
}

void LoadThread::follow_phase() {
  const Phase phase = state_.phase();
  if (phase == phase_) return;
  const bool was_publishing = publishing();
  phase_ = phase;
  if (phase == Phase::kOver) return;
  const double share = 1.0 / plan_.options.threads;
  if (publishing() && !was_publishing) {
    now_ns_ = steady_now();
    if (plan_.options.rate > 0 && !publishers_.empty()) {
      // By publishers, so that threads with one more have more to do.
      publishing_.emplace(plan_.options.rate * static_cast<double>(publishers_.size()) / plan_.options.publishers, now_ns_);
    }
    if (plan_.options.churn > 0) visiting_.emplace(plan_.options.churn * share, now_ns_);
  }
  if (!publishing() && was_publishing) {
    if (publishing_) counters_.add(Count::kMissed, publishing_->missed());
    publishing_.reset();
    visiting_.reset();
  }
  if (publishing() != was_publishing) {
    for (LoadConnection* publisher : publishers_) {
      if (publisher->state != LinkState::kUp) continue;
      fill(*publisher);
      flush(*publisher);
    }
  }
  counters_.follow(phase);
}

void LoadThread::open_due(int64_t now_ns) {
  if (phase_ != Phase::kConnecting) return;
  if (next_to_open_ == connections_.size()) return opening_.reset();
  uint64_t due = opening_ ? opening_->due(now_ns) : kPendingMax;
  for (; due > 0 && pending_ < kPendingMax && next_to_open_ < connections_.size() && phase_ == Phase::kConnecting; --due) {
    open(*connections_[next_to_open_++]);
    if (opening_) opening_->done();
  }
}

void LoadThread::open(LoadConnection& connection) {
  const auto& sources = plan_.options.source_addresses;
  std::optional<uint32_t> source;
  if (!sources.empty()) source = sources[connection.number % sources.size()];
  if (const auto opened = connection.socket.open(plan_, source); !opened) return lose(connection, opened.error().message);
  connection.state = LinkState::kConnecting;
  connection.opened_ns = now_ns_;
  if (connection.role != Role::kVisitor) ++pending_;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.ptr = &connection;
  connection.watched_for_writing = true;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket.fd(), &event) != 0) lose(connection, "the socket cannot be watched");
}

void LoadThread::log_in(LoadConnection& connection) {
  const LoadOptions& options = plan_.options;
  connection.state = LinkState::kLoggingIn;
  const std::string id = fmt::format("{}{}{}", plan_.run_name, connection.role == Role::kVisitor ? "visitor-" : "", connection.number);
  mqtt::OutgoingConnect connect{.version = options.version, .keep_alive_s = options.keep_alive_s, .client_id = id};
  if (options.user) connect.user = *options.user;
  if (options.password) connect.password = *options.password;
  mqtt::encode_connect(connection.out, connect);
  flush(connection);
}

void LoadThread::handle(LoadConnection& connection, uint32_t events) {
  if (connection.state == LinkState::kConnecting) return go_on_connecting(connection);
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    receive(connection);
    if (connection.state == LinkState::kClosed) return;
  }
  if (connection.role == Role::kPublisher && connection.state == LinkState::kUp) fill(connection);
  flush(connection);
}

void LoadThread::go_on_connecting(LoadConnection& connection) {
  switch (connection.socket.proceed(plan_)) {
    case LoadSocket::Step::kFailed: return lose(connection, connection.socket.why());
    case LoadSocket::Step::kAgain: return watch(connection);
    case LoadSocket::Step::kDone: return log_in(connection);
  }
}

void LoadThread::receive(LoadConnection& connection) {
  now_ns_ = steady_now();
  // TLS gives one record at a time and may hold more than epoll knows of.
  for (bool goes_on = true; goes_on && connection.state != LinkState::kClosed;) {
    const std::optional<size_t> got = connection.socket.receive(buffer_);
    if (!got) return lose(connection, connection.socket.why());
    if (*got == 0) return;
    goes_on = plan_.tls != nullptr;
    std::string_view bytes(buffer_.data(), *got);
    if (connection.in.empty()) {
      bytes.remove_prefix(take_packets(connection, bytes));
      if (connection.state != LinkState::kClosed && !bytes.empty()) connection.in = bytes;
    } else {
      connection.in.append(bytes);
      const size_t used = take_packets(connection, connection.in);
      if (connection.state != LinkState::kClosed) connection.in.erase(0, used);
    }
  }
}

// Returns how much was used.
size_t LoadThread::take_packets(LoadConnection& connection, std::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size()) {
    const auto frame = mqtt::next_frame(bytes.substr(used), mqtt::kPacketBytesLimit);
    if (!frame) {
      lose(connection, fmt::format("the broker's packet cannot be read: {}", frame.error().what));
      break;
    }
    if (!*frame) break;
    used += (*frame)->size;
    if (!take(connection, **frame)) break;
  }
  return used;
}

void LoadThread::flush(LoadConnection& connection) {
  if (connection.state == LinkState::kClosed) return;
  if (connection.unsent() > 0) connection.heard_of_ns = now_ns_;
  while (connection.unsent() > 0) {
    const auto sent = connection.socket.send(std::string_view(connection.out).substr(connection.out_sent));
    if (!sent) return lose(connection, connection.socket.why());
    if (*sent == 0) break;
    connection.out_sent += *sent;
  }
  if (connection.unsent() == 0) {
    connection.out.clear();
    connection.out_sent = 0;
  } else if (connection.out_sent >= kOutBytesMax) {
    connection.out.erase(0, connection.out_sent);
    connection.out_sent = 0;
  }
  watch(connection);
}

void LoadThread::watch(LoadConnection& connection) {
  // A flood of QoS 0 goes on whenever there is room.
  const bool floods = connection.role == Role::kPublisher && connection.state == LinkState::kUp && plan_.options.qos == 0 && plan_.options.rate == 0 && publishing();
  const bool for_writing = floods || connection.unsent() > 0 || (connection.state == LinkState::kConnecting && connection.socket.wants_write());
  if (for_writing == connection.watched_for_writing) return;
  connection.watched_for_writing = for_writing;
  epoll_event event{};
  event.events = EPOLLIN | (for_writing ? EPOLLOUT : 0u);
  event.data.ptr = &connection;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket.fd(), &event);
}

void LoadThread::close(LoadConnection& connection) {
  if (connection.role != Role::kVisitor && !connection.was_up && pending_ > 0) --pending_;
  connection.socket.close();
  connection.state = LinkState::kClosed;
  connection.out.clear();
  connection.out_sent = 0;
  connection.in.clear();
}

void LoadThread::lose(LoadConnection& connection, const std::string& why) {
  const bool was_up = connection.was_up;
  const bool was_reached = connection.state == LinkState::kLoggingIn;
  close(connection);
  if (connection.role == Role::kVisitor) {
    counters_.add(Count::kFailures);
    ++failures_["visitor: " + why];
    return;
  }
  if (phase_ != Phase::kConnecting) {
    counters_.add(Count::kFailures);
    ++failures_[why];
    return;
  }
  const uint64_t up = state_.total(Count::kConnected);
  const std::string progress = plan_.options.connections() > 1 ? fmt::format(" ({} of {} connections were up)", up, plan_.options.connections()) : "";
  const bool silent = was_reached && why == "closed by the broker";
  state_.give_up(fmt::format("{}{}{}", why, silent ? " before it answered CONNECT: is its limit of connections reached, or is it waiting for TLS?" : "",
                             was_up || up > 0 || silent ? progress : ""));
}

void LoadThread::came_up(LoadConnection& connection) {
  connection.state = LinkState::kUp;
  connection.was_up = true;
  if (pending_ > 0) --pending_;
  counters_.add(Count::kConnected);
}

void LoadThread::send_visitors(int64_t now_ns) {
  for (uint64_t due = visiting_->due(now_ns); due > 0; --due) {
    LoadConnection* visitor = nullptr;
    size_t present = 0;
    for (const auto& each : visitors_) {
      if (each->state == LinkState::kClosed) {
        visitor = each.get();
      } else if (now_ns - each->opened_ns > kVisitTimeoutNs) {
        lose(*each, "no answer in 10 s");
      } else {
        ++present;
      }
    }
    if (!visitor) {
      if (present >= kVisitorsMax) return;  // those that wait stay due
      visitors_.push_back(std::make_unique<LoadConnection>(Role::kVisitor, 0));
      visitor = visitors_.back().get();
    }
    visitor->number = index_ + plan_.options.threads * visitors_made_++;
    visiting_->done();
    open(*visitor);
  }
}

// Most clients say goodbye; some are switched off.
void LoadThread::leave(LoadConnection& visitor) {
  counters_.add(Count::kVisits);
  if (visitor.number % 4 != 3) {
    mqtt::encode_disconnect(visitor.out, plan_.options.version, mqtt::ReasonCode::kSuccess);
    visitor.socket.send(std::string_view(visitor.out).substr(visitor.out_sent));
  }
  close(visitor);
}

void LoadThread::keep_alive(int64_t now_ns) {
  next_keep_alive_ns_ = now_ns + kNanosPerSecond;
  if (plan_.options.keep_alive_s == 0) return;
  const int64_t silence_ns = plan_.options.keep_alive_s * (kNanosPerSecond * 3 / 4);
  for (const auto& connection : connections_) {
    if (connection->state != LinkState::kUp || now_ns - connection->heard_of_ns < silence_ns) continue;
    mqtt::encode_pingreq(connection->out);
    flush(*connection);
  }
}

void LoadThread::say_goodbye() {
  std::string goodbye;
  mqtt::encode_disconnect(goodbye, plan_.options.version, mqtt::ReasonCode::kSuccess);
  for (const auto& connection : connections_) {
    // Into the middle of a packet it would only be noise.
    if (connection->state == LinkState::kUp && connection->unsent() == 0) connection->socket.send(goodbye);
    connection->socket.close();
  }
  for (const auto& visitor : visitors_) visitor->socket.close();
}

}  // namespace campanile::app::bench
