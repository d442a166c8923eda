// Router: finds the resource for a request, after finding out who asks. One line a resource in app/wiring.cc.
//
//   Router router(accounts, page);
//   router.add("GET", "/api/v1/status", [&](net::HttpRequest request, net::HttpResponder responder) { ... });
//   router.add_open("GET", "/ping", ...);      // answers everybody: carries nothing worth protecting
//
// A path that ends in '/' takes everything below it; the longest one that fits wins. An unknown path under /api, or any unknown path
// asked for with another method than GET, gets 404 as JSON; a known path with a wrong method 405; everything else is the page's.
// What changes something under /api/v1, or buckets and points under /api/v2, and comes from another site's page (Origin) gets 403, since a browser would send it with the
// viewer's credentials, or with none to an address that asks for none (net/origin.h).
// Threads: add() before the server starts; handle() on any loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"
#include "registry/accounts.h"

namespace campanile::api {

class Router {
 public:
  using Handler = std::function<void(net::HttpRequest, net::HttpResponder)>;

  Router(const registry::Accounts& accounts, Handler page);

  // REQUIRES: no handler yet for that method and path.
  void add(std::string_view method, std::string_view path, Handler handler);
  void add_open(std::string_view method, std::string_view path, Handler handler);

  void handle(net::HttpRequest request, net::HttpResponder responder) const;

 private:
  struct Resource {
    bool open = false;
    std::map<std::string, Handler, std::less<>> by_method;
  };
  Resource& resource(std::string_view path);
  const Resource* find(std::string_view path) const;

  const registry::Accounts& accounts_;
  Handler page_;
  std::map<std::string, Resource, std::less<>> resources_;
};

}  // namespace campanile::api
