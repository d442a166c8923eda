#include "net/websocket_session.h"

#include "net/connection.h"

namespace campanile::net {
WebSocketSession::WebSocketSession(std::shared_ptr<TcpConnection> connection, const HttpServerOptions& options,
                                   std::unique_ptr<WebSocketHandler> handler)
    : connection_(std::move(connection)),
      outbox_(std::make_shared<Outbox>(connection_)),
      queue_bytes_max_(options.websocket_queue_bytes_max),
      ping_interval_(options.websocket_ping_interval),
      handler_(std::move(handler)),
      reader_(options.websocket_message_bytes_max) {}

void WebSocketSession::open() {
  watch();
  handler_->on_open(shared_from_this());
}

bool WebSocketSession::send_text(std::string text) {
  std::string frame;
  frame.reserve(text.size() + 10);
  append_websocket_frame(frame, WebSocketOpcode::kText, text);
  return outbox_->push(std::move(frame), queue_bytes_max_);
}

void WebSocketSession::close(uint16_t code, std::string_view reason) {
  end(websocket_close_frame(code, reason));
}

// The frame, then the end of the connection. Nothing can be queued after it; a second call finds the outbox finished.
void WebSocketSession::end(std::string close_frame) {
  outbox_->finish(std::move(close_frame), [connection = connection_] { connection->close(); });
}

size_t WebSocketSession::on_bytes(std::string_view bytes) {
  heard_ = true;
  const auto self = shared_from_this();
  size_t used = 0;
  while (open_ && !bytes.empty()) {
    size_t taken = 0;
    const WebSocketReader::Event event = reader_.next(bytes, taken);
    used += taken;
    bytes.remove_prefix(taken);
    switch (event.kind) {
      case WebSocketReader::Kind::kNeedMore:
        return used;
      case WebSocketReader::Kind::kText:
        handler_->on_text(event.text);
        break;
      case WebSocketReader::Kind::kPong:
        break;
      case WebSocketReader::Kind::kPing:
        // A peer that pings without reading gets no more pongs than fit: the latest one it reads tells it what it wants
        // to know.
        if (connection_->send_queue_bytes() <= kSendQueueHighBytes) {
          std::string pong;
          append_websocket_frame(pong, WebSocketOpcode::kPong, event.text);
          outbox_->push(std::move(pong), queue_bytes_max_);
        }
        break;
      case WebSocketReader::Kind::kClose: {
        open_ = false;
        std::string answer;
        if (event.code == 0) {
          append_websocket_frame(answer, WebSocketOpcode::kClose, {});
        } else {
          answer = websocket_close_frame(event.code, {});
        }
        end(std::move(answer));
        break;
      }
      case WebSocketReader::Kind::kFailed:
        open_ = false;
        close(event.code, event.text);
        break;
    }
  }
  return open_ ? used : used + bytes.size();
}

void WebSocketSession::watch() {
  ping_timer_ = connection_->loop().run_after(ping_interval_, [self = shared_from_this()] {
    self->ping_timer_ = 0;
    if (!std::exchange(self->heard_, false)) {
      self->connection_->abort();
      return;
    }
    std::string ping;
    append_websocket_frame(ping, WebSocketOpcode::kPing, {});
    self->outbox_->push(std::move(ping), self->queue_bytes_max_);
    self->watch();
  });
}

void WebSocketSession::on_closed() {
  open_ = false;
  if (ping_timer_ != 0) connection_->loop().cancel(std::exchange(ping_timer_, 0));
  outbox_->drop();
  if (handler_) handler_->on_closed();
  handler_.reset();
}

}  // namespace campanile::net
