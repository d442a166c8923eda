// Page: serves the web page's files from memory, with the headers that make it quick and safe.
//
//   Page page(embedded_assets());
//   page.handle(std::move(request), std::move(responder));
//
// The files are part of the binary (tools/embed_page.py); a folder can stand in for them while the page is being worked on. A path without a
// file gets index.html, because the page's own router knows what /place/u4/302 is.
// Threads: immutable once made; handle() on any loop. Compressed copies are made once, at start.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http_server.h"

namespace campanile::api {

struct Asset {
  std::string path;   // "/assets/index-1f3c.js"
  std::string bytes;
};

// What was built into the binary; empty where it was built without the page.
std::vector<Asset> embedded_assets();
// Every file below a folder. Errors: kIoError, kNotFound (no index.html in it).
Result<std::vector<Asset>> read_assets(const std::filesystem::path& folder);

class Page {
 public:
  explicit Page(std::vector<Asset> assets);
  void handle(net::HttpRequest request, net::HttpResponder responder) const;

 private:
  struct File {
    std::string content_type;
    std::string etag;
    std::string plain;
    std::string gzip;  // empty where it would not be smaller
    bool immutable = false;
  };
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace campanile::api
