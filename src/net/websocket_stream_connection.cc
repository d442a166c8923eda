#include "net/websocket_stream_connection.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "net/http_response_text.h"
#include "net/origin.h"

namespace campanile::net {
namespace {

constexpr size_t kRequestBytesMax = 16 * 1024;
constexpr size_t kPieceBytes = 32 * 1024;

// Where payload is unmasked to. One a thread will do: a handler that is being told never gets other bytes meanwhile.
std::span<char> plain_space() {
  thread_local std::vector<char> space(kPieceBytes);
  return space;
}

// The words of a header that holds a list, wherever and however often it stands.
std::vector<std::string> listed(const HttpRequest& request, std::string_view name) {
  std::vector<std::string> words;
  for (const auto& [header, value] : request.headers) {
    if (!equals_ignore_case(header, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (const auto word = trim(rest.substr(0, comma)); !word.empty()) words.emplace_back(word);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return words;
}

bool lists(const HttpRequest& request, std::string_view name, std::string_view word) {
  const auto words = listed(request, name);
  return std::any_of(words.begin(), words.end(), [&](const std::string& one) { return equals_ignore_case(one, word); });
}

// The subprotocol to answer with; empty where none is ours.
std::string_view chosen_subprotocol(const HttpRequest& request) {
  const auto offered = listed(request, "Sec-WebSocket-Protocol");
  for (const std::string_view known : {"mqtt", "mqttv3.1"}) {
    if (std::find(offered.begin(), offered.end(), known) != offered.end()) return known;
  }
  return {};
}

// "https://Example.org:9883" and "example.org:9001" -> "example.org"
std::string host_of(std::string_view text) {
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  const size_t bracket = text.find(']');
  const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return to_lower(text.substr(0, colon));
}

}  // namespace

WebSocketStreamConnection::WebSocketStreamConnection(LayerOptions options, std::shared_ptr<const WebSocketTransport> websocket)
    : LayeredConnection(std::move(options)), websocket_(std::move(websocket)) {}

void WebSocketStreamConnection::start() { request_.emplace(kRequestBytesMax, 0); }

size_t WebSocketStreamConnection::take(std::string_view bytes) {
  if (request_) return read_request(bytes);
  size_t used = 0;
  while (may_read() && used < bytes.size()) {
    const auto event = reader_.next(bytes.substr(used), used, plain_space());
    switch (event.kind) {
      case WebSocketStreamReader::Kind::kNeedMore: return used;
      case WebSocketStreamReader::Kind::kData: deliver(event.bytes); break;
      case WebSocketStreamReader::Kind::kPing: {
        // A peer that pings without reading gets no more pongs than fit.
        if (send_queue_bytes() > kPieceBytes) break;
        std::string pong;
        append_websocket_frame(pong, WebSocketOpcode::kPong, event.bytes);
        below().send(pong);
        break;
      }
      case WebSocketStreamReader::Kind::kClose: {
        close_sent_ = true;
        std::string answer;
        if (event.code == 0) {
          append_websocket_frame(answer, WebSocketOpcode::kClose, {});
        } else {
          answer = websocket_close_frame(event.code, {});
        }
        below().send(answer);
        peer_finished();
        return bytes.size();
      }
      case WebSocketStreamReader::Kind::kFailed:
        close_sent_ = true;
        below().send(websocket_close_frame(event.code, event.bytes));
        fail(fmt::format("WebSocket: {}", event.bytes));
        return bytes.size();
    }
  }
  return used;
}

size_t WebSocketStreamConnection::read_request(std::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size()) {
    switch (request_->feed(bytes.substr(used), used)) {
      case HttpRequestReader::State::kNeedMore: return used;
      case HttpRequestReader::State::kProgress:
      case HttpRequestReader::State::kHeader: break;
      case HttpRequestReader::State::kComplete: {
        const HttpRequest request = request_->take_request();
        request_.reset();
        upgrade(request);
        return used;
      }
      case HttpRequestReader::State::kFailed:
        refuse(request_->error_status(), request_->error_message());
        return bytes.size();
    }
  }
  return used;
}

void WebSocketStreamConnection::upgrade(const HttpRequest& request) {
  if (request.method != "GET" || !lists(request, "Connection", "upgrade") || !lists(request, "Upgrade", "websocket") ||
      request.header("Sec-WebSocket-Version") != "13") {
    return refuse(426, "this address speaks MQTT over WebSocket: ask with Upgrade: websocket and Sec-WebSocket-Version: 13",
                  {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}});
  }
  const std::string_view key = request.header("Sec-WebSocket-Key").value_or("");
  const auto key_bytes = base64_decode(key);
  if (!key_bytes || key_bytes->size() != 16) return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  const std::string_view subprotocol = chosen_subprotocol(request);
  if (subprotocol.empty()) return refuse(400, "the subprotocol must be mqtt: Sec-WebSocket-Protocol: mqtt");  // [MQTT-6.0.0-3]
  if (!origin_allowed(request)) {
    return refuse(403, fmt::format("pages of {} may not connect here; add it to the listener's origins",
                                   excerpt(request.header("Origin").value_or(""))));
  }
  below().send(response_head(101,
                             {{"Upgrade", "websocket"},
                              {"Sec-WebSocket-Accept", websocket_accept(key)},
                              {"Sec-WebSocket-Protocol", std::string(subprotocol)}},  // [MQTT-6.0.0-4]
                             {}));
  open_above();
}

bool WebSocketStreamConnection::origin_allowed(const HttpRequest& request) const {
  const auto origin = request.header("Origin");
  const std::string_view host = request.header("Host").value_or("");
  if (!origin || websocket_->any_origin || net::origin_allowed(*origin, host, websocket_->allowed_origins)) return true;
  return origin->find("://") != std::string_view::npos && host_of(*origin) == host_of(host);
}

void WebSocketStreamConnection::refuse(int status, std::string_view why, HttpHeaders headers) {
  HttpResponse response = error_response(status, why);
  for (auto& header : headers) response.headers.push_back(std::move(header));
  below().send(response_head(status, response.headers, {.content_length = response.body.size(), .keep_alive = false}));
  below().send(response.body);
  close_sent_ = true;
  fail(std::string(why));
}

void WebSocketStreamConnection::send(std::string_view bytes) {
  if (!is_open() || bytes.empty()) return;
  // In one piece, so that TLS below makes one record of it.
  std::string frame = net_loop().take_buffer();
  frame.reserve(bytes.size() + 10);
  append_websocket_frame(frame, WebSocketOpcode::kBinary, bytes);
  below().send(frame);
  net_loop().give_buffer(std::move(frame));
}

void WebSocketStreamConnection::say_goodbye() {
  if (!close_sent_ && !request_) below().send(websocket_close_frame(kCloseNormal, {}));
}

}  // namespace campanile::net
