// SocketConnection: a Connection over a connected stream socket without TLS, TCP or local, driven by the loop's Poller. Private to net.
//
// A read goes straight into the loop's shared buffer, so an idle connection owns none, and a write costs no system call but its own:
// the poller tells of each change once, and this remembers whether the socket may hold more to read.
//
// Threads: the loop's. Ownership: closes the descriptor.
#pragma once

#include "net/connection.h"
#include "net/file_descriptor.h"
#include "net/poller.h"

namespace campanile::net {

class SocketConnection final : public Connection, public PollTarget {
 public:
  // Takes over a connected socket and makes it non-blocking.
  SocketConnection(std::shared_ptr<Loop> loop, size_t input_bytes_max, ConnectionSlot slot, FileDescriptor socket);

  void ready(uint32_t events) override;

 protected:
  void stream_read() override;
  size_t stream_write_now(std::string_view bytes, ErrorCode& error) override;
  // The poller tells when there is room.
  void stream_write(std::string_view) override { watched(); }
  void stream_shut_down() override;
  void stream_close() override;

 private:
  bool watched();
  void read_ready();
  void write_ready();

  FileDescriptor socket_;
  bool watched_ = false;
  bool wants_read_ = false;
  bool readable_ = false;   // the kernel may hold something to read
  bool ended_ = false;      // the peer has finished, or the socket failed: reading goes on to the end of stream, or the error
};

}  // namespace campanile::net
