// BridgeSession: the bridge's session with its own broker, made before the first attempt to reach the remote, so that what is meant for
// it waits from the start of the program on and not only from the first link on.
//
//   auto connection = prepare_session(loop, handler, options, stale_filters, [](const Result<bool>& was_present) { dial(); });
//
// Threads: the loop's. Ownership: kept by its connection; close() that to give up, `done` follows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/bridge_options.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace campanile::broker {

// The CONNECT by which a bridge joins its own broker.
void encode_session_connect(std::string& out, std::string_view name, uint16_t receive_maximum, uint32_t packet_bytes_max);

// Connects, subscribes what goes out, unsubscribes `stale_filters`, and leaves. `done` is called once, with whether the session was there
// before. Errors: kUnavailable, saying what the local broker said.
std::shared_ptr<net::TcpConnection> prepare_session(net::EventLoop& loop, std::shared_ptr<net::TcpHandler> local, const BridgeOptions& options,
                                                    std::vector<std::string> stale_filters,
                                                    std::function<void(const Result<bool>&)> done);

}  // namespace campanile::broker
