// A connection inside the program: two TcpConnections that are each other's peer, without a socket between them. What one end sends the
// other end's handler receives in a later turn of the loop, so that a server's handler serves a part of this program as any client.
//
//   auto client = connect_local(loop, server.make_handler(loop), std::make_shared<MyHandler>());   // the client's end
//
// Threads: both ends live on `loop`; everything is called there. Ownership: the ends keep each other and their handlers until one of them
// closes or aborts; close one before the loop stops, since the loop does not know them.
// Limits: as with TCP the sender bounds what it queues: send_queue_bytes() is what the other end has not used yet, and
// on_send_queue_low() follows as with a socket. close() hands over what the other end takes at once; the rest is lost with it.
#pragma once

#include <memory>
#include <string_view>

#include "net/tcp.h"

namespace campanile::net {

// The host of peer() at either end; no socket's address is that.
inline constexpr std::string_view kInProcess = "in-process";

// Both handlers get on_open() in a later turn, the server's first. Returns the client's end.
std::shared_ptr<TcpConnection> connect_local(EventLoop& loop, std::shared_ptr<TcpHandler> server, std::shared_ptr<TcpHandler> client);

}  // namespace campanile::net
