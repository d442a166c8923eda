// Influx write: POST /write of InfluxDB 1.x and POST /api/v2/write of InfluxDB 2, with their statuses, error texts and JSON shapes.
//
//   InfluxWriteResource write(ingest, engine, commits_of_loop, background, clock, {});
//   router.add("POST", "/write", [&](auto request, auto responder) { write.handle_v1(std::move(request), std::move(responder)); });
//
// 204 is answered when the journal has the points on disk. Good lines of a batch are stored although others are bad; the answer then is 400 with
// InfluxDB's text and, beside it, "lines": the number of each bad line and its reason, for the first hundred.
// Threads: handle_*() on any loop. Small bodies are parsed there, large ones in the background; the answer is sent from the loop after the commit.
// Limits: options; a body is parsed in pieces, so that the memory for its points does not grow with it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/background.h"
#include "base/clock.h"
#include "base/result.h"
#include "decoders/line_protocol/line_protocol.h"
#include "ingest/pipeline.h"
#include "journal/commit_queue.h"
#include "net/http_server.h"
#include "tsdb/engine.h"

namespace campanile::api {

struct InfluxWriteOptions {
  size_t body_bytes_max = 64ull << 20;  // after unpacking; what is sent over the wire is bounded by the HTTP server
  size_t loop_bytes_max = 256 * 1024;   // larger bodies are parsed in the background
  bool create_buckets = false;          // whether a write of version 2 to an unknown bucket makes the database
};

class InfluxWriteResource {
 public:
  using CommitsOfLoop = std::function<journal::CommitQueue&(net::EventLoop&)>;
  enum class Version { kOne, kTwo };

  // An answer, and what has to come true before it may be sent.
  struct Reply {
    net::HttpResponse response;
    journal::Awaited awaited;
  };

  InfluxWriteResource(ingest::Ingest& ingest, tsdb::Engine& engine, CommitsOfLoop commits, Background background, const Clock& clock,
                      const InfluxWriteOptions& options);

  void handle_v1(net::HttpRequest request, net::HttpResponder responder) { handle(Version::kOne, std::move(request), std::move(responder)); }
  void handle_v2(net::HttpRequest request, net::HttpResponder responder) { handle(Version::kTwo, std::move(request), std::move(responder)); }

  // Stores the request's points on the calling thread.
  Reply write(Version version, const net::HttpRequest& request);

 private:
  struct Target {
    tsdb::BucketId bucket;
    decoders::Precision precision;
  };
  struct Stored;

  void handle(Version version, net::HttpRequest request, net::HttpResponder responder);
  void send(Version version, net::EventLoop& loop, net::HttpResponder responder, Reply reply);
  Result<Target> target_of(Version version, const net::HttpRequest& request);
  Result<tsdb::BucketId> bucket_of(std::string_view name);
  Result<Stored> store_lines(const Target& target, std::string_view body);

  ingest::Ingest& ingest_;
  tsdb::Engine& engine_;
  const CommitsOfLoop commits_;
  const Background background_;
  const Clock& clock_;
  const InfluxWriteOptions options_;
};

}  // namespace campanile::api
