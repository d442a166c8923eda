#include "base/check.h"
#include "base/text.h"
#include "net/http_connection.h"

namespace campanile::net {
namespace {

constexpr size_t kStreamBytesMax = 8 << 20;
constexpr size_t kStreamBytesMaxOnLoop = 64 << 20;
constexpr std::chrono::milliseconds kStreamPatience{30'000};

// Runs `task` on the exchange's loop: now where this is it already.
void on_loop(HttpResponder::Exchange& exchange, Task task) {
  EventLoop& loop = exchange.connection->loop();
  if (loop.is_current()) {
    task();
  } else {
    loop.post(std::move(task));
  }
}

bool asks_to_close(const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (equals_ignore_case(name, "connection") && equals_ignore_case(value, "close")) return true;
  }
  return false;
}

// The end of an answer: its last bytes, and then the connection's next request.
void end_answer(HttpResponder::Exchange& exchange, std::string bytes, bool keep_alive) {
  exchange.ended = true;
  exchange.outbox->finish(std::move(bytes), [self = exchange.shared_from_this(), keep_alive] {
    if (!self->owner) return;
    self->keep_alive = self->keep_alive && keep_alive;
    self->owner->answered(*self);
  });
}

void cut(HttpResponder::Exchange& exchange) {
  exchange.ended = true;
  on_loop(exchange, [self = exchange.shared_from_this()] {
    if (self->owner) self->connection->abort();
  });
}

}  // namespace

HttpResponder::HttpResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
HttpResponder::HttpResponder(HttpResponder&&) noexcept = default;

HttpResponder& HttpResponder::operator=(HttpResponder&& other) noexcept {
  std::swap(exchange_, other.exchange_);  // the former one is answered when `other` goes
  return *this;
}

HttpResponder::~HttpResponder() {
  if (!exchange_ || exchange_->ended) return;
  if (exchange_->begun) {
    cut(*exchange_);
  } else {
    answer(error_response(500, "the request was dropped without an answer; the server's log may say why"));
  }
}

void HttpResponder::respond(HttpResponse response) {
  CHECK(exchange_ && !exchange_->begun);
  answer(std::move(response));
}

void HttpResponder::answer(HttpResponse response) {
  Exchange& exchange = *exchange_;
  exchange.begun = true;
  const bool keep_alive = exchange.traits.keep_alive && !asks_to_close(response.headers);
  ResponseFraming framing{.keep_alive = keep_alive, .http_1_0 = exchange.traits.http_1_0};
  if (may_have_body(response.status)) framing.content_length = response.body.size();
  std::string bytes = response_head(response.status, response.headers, framing);
  if (framing.content_length && !exchange.traits.head) bytes.append(response.body);
  end_answer(exchange, std::move(bytes), keep_alive);
}

void HttpResponder::begin(int status, HttpHeaders headers) {
  CHECK(exchange_ && !exchange_->begun);
  Exchange& exchange = *exchange_;
  exchange.begun = true;
  exchange.has_body = may_have_body(status) && !exchange.traits.head;
  // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
  exchange.chunked = may_have_body(status) && !exchange.traits.http_1_0;
  const bool ends_with_connection = may_have_body(status) && exchange.traits.http_1_0;
  exchange.traits.keep_alive = exchange.traits.keep_alive && !asks_to_close(headers) && !ends_with_connection;
  exchange.outbox->push(response_head(status, headers,
                                      {.chunked = exchange.chunked,
                                       .keep_alive = exchange.traits.keep_alive,
                                       .http_1_0 = exchange.traits.http_1_0}),
                        SIZE_MAX);
}

bool HttpResponder::write(std::string piece) {
  CHECK(exchange_ && exchange_->begun);
  Exchange& exchange = *exchange_;
  if (exchange.ended) return false;  // it was given up
  if (piece.empty() || !exchange.has_body) return !client_gone();
  if (exchange.chunked) {
    piece.insert(0, fmt::format("{:x}\r\n", piece.size()));
    piece.append("\r\n");
  }
  const bool taken = exchange.connection->loop().is_current()
                         ? exchange.outbox->push(std::move(piece), kStreamBytesMaxOnLoop)
                         : exchange.outbox->push_when_room(std::move(piece), kStreamBytesMax, kStreamPatience);
  if (!taken) cut(exchange);
  return taken;
}

void HttpResponder::finish() {
  CHECK(exchange_ && exchange_->begun);
  if (exchange_->ended) return;
  end_answer(*exchange_, exchange_->chunked && exchange_->has_body ? "0\r\n\r\n" : "", exchange_->traits.keep_alive);
}

void HttpResponder::accept_websocket(std::unique_ptr<WebSocketHandler> handler) {
  CHECK(exchange_ && !exchange_->begun);
  exchange_->begun = true;
  exchange_->ended = true;
  on_loop(*exchange_, [self = exchange_, handler = std::move(handler)]() mutable {
    if (self->owner) self->owner->upgrade(*self, std::move(handler));
  });
}

bool HttpResponder::client_gone() const {
  return exchange_->outbox->dropped();
}

}  // namespace campanile::net
