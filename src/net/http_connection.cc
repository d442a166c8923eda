#include "net/http_connection.h"

#include "base/text.h"
#include "net/origin.h"

namespace campanile::net {
namespace {

// What a client may send ahead while its request is handled, before it is held back.
constexpr size_t kPipelinedBytesMax = 64 * 1024;

RequestTraits traits_of(const HttpRequest& request, const HttpRequestReader& reader) {
  RequestTraits traits{
      .head = request.method == "HEAD", .keep_alive = reader.keep_alive(), .http_1_0 = reader.is_http_1_0()};
  const auto text = [&](std::string_view name) { return std::string(request.header(name).value_or("")); };
  traits.upgrade = request.method == "GET" && equals_ignore_case(text("Upgrade"), "websocket") &&
                   to_lower(text("Connection")).find("upgrade") != std::string::npos;
  if (traits.upgrade) {
    traits.websocket_key = text("Sec-WebSocket-Key");
    traits.websocket_version = text("Sec-WebSocket-Version");
    traits.origin = text("Origin");
    traits.host = text("Host");
  }
  return traits;
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<HttpServing> serving, ConnectionSlot slot, bool refused)
    : serving_(std::move(serving)), slot_(std::move(slot)), refused_(refused) {}

void HttpConnection::on_open(TcpConnection& connection) {
  connection_ = static_cast<Connection*>(&connection);
  if (refused_) {
    refuse(503, fmt::format("the server has its {} connections; try again later", serving_->options.connections_max));
    return;
  }
  expire_at(std::chrono::steady_clock::now() + serving_->options.idle_timeout);
}

size_t HttpConnection::on_bytes(TcpConnection&, std::string_view bytes) {
  in_on_bytes_ = true;
  size_t used = 0;
  while (used < bytes.size() && may_read() && read_request(bytes.substr(used), used)) {
  }
  in_on_bytes_ = false;
  if (websocket_) {
    used += websocket_->on_bytes(bytes.substr(used));
  } else if (exchange_ || connection_->send_queue_is_high()) {
    if (bytes.size() - used > kPipelinedBytesMax) connection_->pause_reading();
  } else if (reader_ && !closing_) {
    watch_reading();
  }
  return used;
}

// Takes what it can from the front of `bytes`. False: nothing more can be done with them now.
bool HttpConnection::read_request(std::string_view bytes, size_t& used) {
  if (!reader_) {
    reader_.emplace(serving_->options.header_bytes_max, serving_->options.body_bytes_max);
    header_timed_ = false;
  }
  size_t taken = 0;
  const HttpRequestReader::State state = reader_->feed(bytes, taken);
  used += taken;
  switch (state) {
    case HttpRequestReader::State::kNeedMore:
      return account_body() && taken > 0;
    case HttpRequestReader::State::kProgress:
      return account_body();
    case HttpRequestReader::State::kHeader:
      // Where the body comes along, the client has not waited.
      if (reader_->expects_continue() && taken == bytes.size()) connection_->send("HTTP/1.1 100 Continue\r\n\r\n");
      return true;
    case HttpRequestReader::State::kComplete:
      if (account_body()) handle();
      return true;
    case HttpRequestReader::State::kFailed:
      refuse(reader_->error_status(), reader_->error_message());
      return false;
  }
  return false;
}

bool HttpConnection::account_body() {
  const size_t arrived = reader_->body_bytes() - body_bytes_;
  if (arrived == 0) return true;
  body_bytes_ += arrived;
  if (serving_->bodies_bytes.fetch_add(arrived) + arrived <= serving_->options.bodies_bytes_max) return true;
  refuse(503, fmt::format("the requests under way hold {} MiB together; try again later",
                          serving_->options.bodies_bytes_max >> 20));
  return false;
}

void HttpConnection::release_body() {
  serving_->bodies_bytes -= std::exchange(body_bytes_, 0);
}

void HttpConnection::handle() {
  auto exchange = std::make_shared<Exchange>();
  HttpRequest request = reader_->take_request();
  exchange->connection = connection_->shared_from_this();
  exchange->outbox = std::make_shared<Outbox>(exchange->connection);
  exchange->traits = traits_of(request, *reader_);
  exchange->keep_alive = exchange->traits.keep_alive;
  exchange->owner = this;
  request.peer = connection_->peer();
  request.loop = &connection_->loop();
  reader_.reset();
  exchange_ = exchange;
  // While it is handled the time-out only looks after a client that does not take its answer.
  expire_at(std::chrono::steady_clock::now() + serving_->options.idle_timeout);
  serving_->handler(std::move(request), HttpResponder(std::move(exchange)));
}

void HttpConnection::answered(Exchange& exchange) {
  const bool keep_alive = exchange.keep_alive && !serving_->closing;
  exchange.owner = nullptr;
  exchange_.reset();
  release_body();
  if (!keep_alive) {
    closing_ = true;
    connection_->close();
    return;
  }
  expire_at(std::chrono::steady_clock::now() + serving_->options.idle_timeout);
  // Inside on_bytes() the loop there goes on by itself.
  if (!in_on_bytes_) connection_->resume_reading();
}

// Answers what never became a request, and ends the connection: where the next one would start is not known.
void HttpConnection::refuse(int status, std::string_view message) {
  HttpResponse response = error_response(status, message);
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  connection_->send(
      response_head(status, response.headers, {.content_length = response.body.size(), .keep_alive = false}));
  connection_->send(response.body);
  connection_->close();
  closing_ = true;
  reader_.reset();
  release_body();
}

void HttpConnection::upgrade(Exchange& exchange, std::unique_ptr<WebSocketHandler> handler) {
  const RequestTraits& traits = exchange.traits;
  const auto key = base64_decode(traits.websocket_key);
  HttpResponse refusal;
  if (!traits.upgrade || traits.websocket_version != "13") {
    refusal =
        error_response(426, "this address speaks WebSocket: ask with Upgrade: websocket and Sec-WebSocket-Version: 13");
    refusal.headers.emplace_back("Upgrade", "websocket");
    refusal.headers.emplace_back("Sec-WebSocket-Version", "13");
  } else if (!key || key->size() != 16) {
    refusal = error_response(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  } else if (!origin_allowed(traits.origin, traits.host, serving_->options.allowed_origins)) {
    refusal =
        error_response(403, fmt::format("pages of {} may not open a WebSocket here; add it to the allowed origins",
                                        excerpt(traits.origin)));
  } else {
    exchange.owner = nullptr;
    const auto connection = exchange.connection;
    connection->send(response_head(
        101, {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", websocket_accept(traits.websocket_key)}}, {}));
    websocket_ = std::make_shared<WebSocketSession>(connection, serving_->options, std::move(handler));
    exchange_.reset();
    release_body();
    expires_ = Time::max();
    websocket_->open();
    if (!in_on_bytes_) connection->resume_reading();
    return;
  }
  exchange.begun = true;
  exchange.outbox->push(response_head(refusal.status, refusal.headers,
                                      {.content_length = refusal.body.size(), .keep_alive = exchange.keep_alive}) +
                            refusal.body,
                        SIZE_MAX);
  answered(exchange);
}

void HttpConnection::on_send_queue_low(TcpConnection&) {
  if (websocket_) {
    websocket_->on_send_queue_low();
  } else if (exchange_) {
    exchange_->outbox->move_on();
  } else {
    connection_->resume_reading();
  }
}

void HttpConnection::on_closed(TcpConnection&, std::string_view) {
  closing_ = true;
  if (timer_ != 0) connection_->loop().cancel(std::exchange(timer_, 0));
  if (exchange_) {
    exchange_->owner = nullptr;
    exchange_->outbox->drop();
    exchange_.reset();
  }
  if (websocket_) websocket_->on_closed();
  websocket_.reset();
  reader_.reset();
  release_body();
}

// Time-outs. One timer a connection, which is not touched while the time moves forward: it looks at expires_ when it
// fires.

void HttpConnection::watch_reading() {
  // A header has one time for the whole of it; a body has one for each piece.
  if (reader_->in_body() || !std::exchange(header_timed_, true)) {
    expire_at(std::chrono::steady_clock::now() + serving_->options.read_timeout);
  }
}

void HttpConnection::expire_at(Time time) {
  expires_ = time;
  if (time < timer_at_) arm_timer(time);
}

void HttpConnection::arm_timer(Time time) {
  if (timer_ != 0) connection_->loop().cancel(timer_);
  timer_at_ = time;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(time - std::chrono::steady_clock::now());
  // `this` lives until on_closed(), which cancels.
  timer_ = connection_->loop().run_after(std::max(delay, std::chrono::milliseconds(0)), [this] { timer_fired(); });
}

void HttpConnection::timer_fired() {
  timer_ = 0;
  timer_at_ = Time::max();
  if (expires_ == Time::max() || closing_) return;
  if (std::chrono::steady_clock::now() < expires_) {
    arm_timer(expires_);
  } else {
    expired();
  }
}

void HttpConnection::expired() {
  const bool waits = connection_->send_queue_bytes() > 0;
  const bool stuck = waits && waited_ && connection_->sent_bytes() == sent_bytes_;
  waited_ = waits;
  sent_bytes_ = connection_->sent_bytes();
  if (stuck) {
    connection_->abort();
  } else if (exchange_ || waits) {
    expire_at(std::chrono::steady_clock::now() + serving_->options.idle_timeout);
  } else if (reader_) {
    refuse(408, fmt::format("the request was not complete after {} s", serving_->options.read_timeout.count()));
  } else {
    closing_ = true;
    connection_->close();
  }
}

}  // namespace campanile::net
