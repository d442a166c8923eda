// Local listener: a TcpListener over a socket in the file system, for programs on the same machine.
//
//   auto listener = TRY(listen_local(loops, {"/run/campanile/mqtt.sock", 0660}, options, factory));
//
// A socket file that nobody listens on any more, as a crash leaves it, is replaced; one that somebody does is refused. The mode is set
// before the first connection is possible. close() removes the file. address() and peer() give the path as the host, port 0.
// Threads, limits: as TcpListener. Errors: kIoError, kAlreadyExists, naming the path.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/tcp.h"

namespace campanile::net {

struct LocalAddress {
  std::string path;      // at most 107 bytes
  uint32_t mode = 0660;  // who may connect
};

Result<std::unique_ptr<TcpListener>> listen_local(EventLoopPool& loops, const LocalAddress& address, const TcpOptions& options,
                                                  TcpListener::HandlerFactory factory);

}  // namespace campanile::net
