#include "api/page.h"

#include <fstream>
#include <iterator>

#include "api/answers.h"
#include "api/gzip.h"
#include "base/text.h"

namespace campanile::api {
namespace {

std::string_view content_type(std::string_view path) {
  const auto ending = path.substr(std::min(path.rfind('.'), path.size()));
  if (ending == ".html") return "text/html; charset=utf-8";
  if (ending == ".js" || ending == ".mjs") return "text/javascript; charset=utf-8";
  if (ending == ".css") return "text/css; charset=utf-8";
  if (ending == ".svg") return "image/svg+xml";
  if (ending == ".png") return "image/png";
  if (ending == ".ico") return "image/x-icon";
  if (ending == ".woff2") return "font/woff2";
  if (ending == ".json" || ending == ".map") return "application/json";
  if (ending == ".webmanifest") return "application/manifest+json";
  return "application/octet-stream";
}

constexpr std::string_view kIndex = "/index.html";

// Only what the page itself brings may run, and nobody may frame it.
constexpr std::string_view kSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

constexpr std::string_view kNoPage =
    "<!doctype html><title>Campanile</title><h1>Campanile runs, without its page</h1>"
    "<p>This binary was built without the page. Build it with <code>npm ci &amp;&amp; npm run build</code> in the folder <code>web</code> and build the "
    "program again, or start it with <code>./run</code>, which does both.</p>";

}  // namespace

Result<std::vector<Asset>> read_assets(const std::filesystem::path& folder) {
  std::vector<Asset> assets;
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, error); !error && entry != std::filesystem::end(entry); entry.increment(error)) {
    if (!entry->is_regular_file()) continue;
    std::ifstream in(entry->path(), std::ios::binary);
    assets.push_back({"/" + entry->path().lexically_relative(folder).generic_string(),
                      std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>())});
    if (!in) return fail(ErrorCode::kIoError, "cannot read {}", entry->path().string());
  }
  if (error) return fail(ErrorCode::kIoError, "cannot read the page's folder {}: {}", folder.string(), error.message());
  const bool has_index = std::any_of(assets.begin(), assets.end(), [](const Asset& asset) { return asset.path == kIndex; });
  if (!has_index) return fail(ErrorCode::kNotFound, "{} holds no index.html; build the page with npm run build in web/", folder.string());
  return assets;
}

Page::Page(std::vector<Asset> assets) {
  if (assets.empty()) assets.push_back({std::string(kIndex), std::string(kNoPage)});
  for (Asset& asset : assets) {
    std::string compressed = gzip(asset.bytes);
    if (compressed.size() >= asset.bytes.size()) compressed.clear();
    // The build puts a hash of the content into the names below /assets/, so those never change.
    const bool immutable = asset.path.starts_with("/assets/");
    files_.emplace(asset.path, File{.content_type = std::string(content_type(asset.path)),
                                    .etag = fmt::format("\"{:016x}\"", std::hash<std::string>()(asset.bytes)),
                                    .plain = std::move(asset.bytes),
                                    .gzip = std::move(compressed),
                                    .immutable = immutable});
  }
}

void Page::handle(net::HttpRequest request, net::HttpResponder responder) const {
  auto found = files_.find(request.path);
  if (found == files_.end()) {
    // A missing file with an ending is a mistake; a path without one is a place in the page.
    const auto last = std::string_view(request.path).substr(request.path.rfind('/') + 1);
    const bool is_view = last.find('.') == std::string_view::npos || request.path.starts_with("/place/");
    if (!is_view) return responder.respond(error_answer({ErrorCode::kNotFound, fmt::format("there is nothing at {}", excerpt(request.path))}));
    found = files_.find(kIndex);
  }
  const File& file = found->second;
  net::HttpHeaders headers = {{"Content-Type", file.content_type},
                              {"ETag", file.etag},
                              {"Vary", "Accept-Encoding"},
                              {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
                              {"Content-Security-Policy", std::string(kSecurityPolicy)},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Referrer-Policy", "same-origin"}};
  if (request.header("If-None-Match") == file.etag) return responder.respond({.status = 304, .headers = std::move(headers)});
  const bool compressed = !file.gzip.empty() && accepts_gzip(request.header("Accept-Encoding").value_or(""));
  if (compressed) headers.emplace_back("Content-Encoding", "gzip");
  responder.respond({.status = 200, .headers = std::move(headers), .body = compressed ? file.gzip : file.plain});
}

}  // namespace campanile::api
