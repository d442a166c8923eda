#include "net/proxy_handler.h"

#include "base/log.h"
#include "net/connection.h"
#include "net/proxy_header.h"

namespace campanile::net {

void ProxyHandler::on_open(TcpConnection& connection) {
  // `this` lives until on_closed(), which cancels.
  timer_ = connection.loop().run_after(timeout_, [this, &connection] {
    timer_ = 0;
    log::debug("{}: no PROXY header after {} ms", connection.peer().to_string(), timeout_.count());
    connection.abort();
  });
}

size_t ProxyHandler::on_bytes(TcpConnection& connection, std::string_view bytes) {
  if (handler_) return handler_->on_bytes(connection, bytes);
  auto header = parse_proxy_header(bytes);
  if (!header) {
    log::debug("{}: {}", connection.peer().to_string(), header.error().message);
    connection.abort();
    return bytes.size();
  }
  if (!*header) return 0;
  connection.loop().cancel(std::exchange(timer_, 0));
  if ((*header)->source) static_cast<Connection&>(connection).set_peer(*std::move((*header)->source));
  handler_ = (*inner_)(connection.loop());
  handler_->on_open(connection);
  const std::string_view rest = bytes.substr((*header)->size);
  return (*header)->size + (rest.empty() ? 0 : handler_->on_bytes(connection, rest));
}

void ProxyHandler::on_send_queue_low(TcpConnection& connection) {
  if (handler_) handler_->on_send_queue_low(connection);
}

void ProxyHandler::on_closed(TcpConnection& connection, std::string_view reason) {
  if (timer_ != 0) connection.loop().cancel(std::exchange(timer_, 0));
  if (handler_) handler_->on_closed(connection, reason);
}

}  // namespace campanile::net
