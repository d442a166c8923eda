// Acceptor: takes connections from a listening socket, TCP or local, and deals them to the loops in turn. Private to net: includes Asio.
//
//   auto acceptor = std::make_shared<Acceptor>(loops, options, factory);
//   TRY(acceptor->take(std::move(socket), address));     // bound and listening
//   acceptor->start();
//
// It lives on the first loop; the connections live on the loop whose turn it is.
// Threads: take() before start(); start(), close(), connections() from any; the rest on the first loop.
// Limits: options.connections_max; further connections, and those that would leave the rest of the program fewer than 1,024 files, are
// closed as soon as they are accepted, and logged once a minute. Without descriptors or memory it waits 100 ms before it tries again.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/complaint.h"
#include "net/connection.h"
#include "net/file_descriptor.h"
#include "net/loop.h"
#include "net/tcp.h"

namespace campanile::net {

class Acceptor final : public LoopMember, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(EventLoopPool& loops, const TcpOptions& options, TcpListener::HandlerFactory factory);

  // `address` is what logs call it, and what the peers of a local socket are called.
  Result<void> take(FileDescriptor listening, Address address);
  void start();
  void close();

  void loop_stops() override { close_now(); }
  const Address& address() const { return address_; }
  size_t connections() const { return *open_; }

 private:
  void wait();
  void accept_waiting();
  void pause(int error);
  void accepted(FileDescriptor socket, Address peer);
  void hand_over(FileDescriptor socket, Address peer);
  void close_now();

  std::vector<std::shared_ptr<Loop>> loops_;
  boost::asio::posix::stream_descriptor listening_;
  const TcpOptions options_;
  const std::shared_ptr<const TcpListener::HandlerFactory> factory_;
  const std::shared_ptr<std::atomic<size_t>> open_ = std::make_shared<std::atomic<size_t>>(0);
  const int first_reserved_file_;
  Address address_;
  size_t next_ = 0;
  TimerId pause_ = 0;
  bool joined_ = false;
  bool closed_ = false;
  Complaint resources_complaint_;
  Complaint full_complaint_;
};

}  // namespace campanile::net
