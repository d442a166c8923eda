// Origin: whether a browser's request comes from a page that may make it.
//
//   if (!origin_allowed(request.header("Origin").value_or(""), request.header("Host").value_or(""), {})) refuse();
//
// A browser sends the credentials that it has for a server with the requests of every site's pages, and on a loopback address there may
// be none to send: what changes something, or opens a channel, asks where the page came from.
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace campanile::net {

// True where there is no origin (the sender is no browser), where it is the request's own host, and where it is among `allowed`, written as
// browsers do ("https://wall.example.org"); "*" allows all. "null" and schemes that are no web page's are nobody's own.
bool origin_allowed(std::string_view origin, std::string_view host, const std::vector<std::string>& allowed);

}  // namespace campanile::net
