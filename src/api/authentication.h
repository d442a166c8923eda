// Authentication of HTTP requests: finds the name and the password wherever InfluxDB's clients and browsers put them.
//
//   Result<std::string> user = authenticate(request, accounts);
//
// In this order: Authorization Basic; Authorization Token or Bearer with "name:password", as InfluxDB 1.8 takes them from clients of
// version 2; the parameters u and p.
// Threads: pure functions.
#pragma once

#include <string>

#include "base/result.h"
#include "net/http_server.h"
#include "registry/accounts.h"

namespace campanile::api {

// The name to act as, empty for anonymous. Errors: kUnauthenticated, kInvalidArgument for a header that cannot be read.
Result<std::string> authenticate(const net::HttpRequest& request, const registry::Accounts& accounts);

// Whose request it is, for what is recorded of it: the account, or where somebody without one came from: "loopback" or the address.
std::string requester(const net::HttpRequest& request);

// 401 in the shape that the path's clients read: InfluxDB 2's for /api/v2, {"error": …} elsewhere.
net::HttpResponse unauthenticated_answer(const net::HttpRequest& request, const Error& error);

}  // namespace campanile::api
