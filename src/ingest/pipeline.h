// Ingest: what becomes of everything that comes in, be it a message of the broker or a batch over HTTP.
//
//   auto ingest = TRY(Ingest::open(options, engine, rejected, clock, metrics));
//   ingest->add_listener(live);
//   Result<journal::Awaited> awaited = ingest->accept(message);      // the broker's MessageSink
//   Result<tsdb::WriteOutcome> outcome = ingest->write_batch(bucket, batch, body.size(), now_ns);
//
// A message goes through named steps: route (topic -> decoder and tags), decode (bytes -> points), store (points -> journal and head), notify
// (listeners). What fails at decode or store for a reason that sending again would not cure is kept as rejected, and acknowledged.
// Threads: accept(), write_batch() and status() from any thread; nothing blocks. A message is handled whole on the caller's thread, with scratch
// memory that belongs to that thread.
// A message that is one unit with its sender's state (ReceivedMessage::append) is one in the journal, points and rejected message alike.
// Lock order: a thread's scratch, then the engine's gate, then RejectedStore's lock, then those of whoever appends, then the journal's.
// Limits: the cache of routed topics is emptied at kCachedTopicsMax topics or kCachedTopicBytesMax.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "broker/ports.h"
#include "ingest/ports.h"
#include "ingest/rate_window.h"
#include "ingest/rejected.h"
#include "ingest/topic_route.h"
#include "tsdb/engine.h"

namespace campanile::ingest {

struct IngestOptions {
  RouteDefaults defaults;           // the database is made at start
  std::vector<RouteConfig> routes;  // tried before the built-in ones
  bool builtin_routes = true;
  bool broker_load = true;          // broker_load_routes() are among them
};

struct IngestStatus {
  uint64_t messages = 0;  // from the broker, since start; each is one of the kinds below, or became points
  uint64_t writes = 0;    // batches over HTTP
  uint64_t bytes = 0;     // of payloads and bodies
  uint64_t points = 0;    // stored
  uint64_t rejected = 0;
  uint64_t ignored = 0;   // nothing in them to store: status replies, cleared retained messages
  uint64_t skipped = 0;   // by a skip route
  uint64_t unrouted = 0;  // no route matches
  double messages_per_s = 0;
  double points_per_s = 0;
  double bytes_per_s = 0;
  double rejected_per_s = 0;
  std::vector<std::string> unrouted_topics;  // some of them, newest last
};

class Ingest final : public broker::MessageSink {
 public:
  static constexpr size_t kCachedTopicsMax = 65'536;
  static constexpr size_t kCachedTopicBytesMax = 8 << 20;
  static constexpr size_t kUnroutedTopicsShown = 16;

  // Compiles the routes and makes their databases. REQUIRES: engine and rejected have started; all references outlive the result.
  // Errors: kInvalidArgument for a bad route, and what create_database() answers.
  static Result<std::unique_ptr<Ingest>> open(const IngestOptions& options, tsdb::Engine& engine, RejectedStore& rejected, const Clock& clock,
                                              Metrics& metrics);

  // REQUIRES: called before the first message; the listener outlives this object's last one.
  void add_listener(StoredListener& listener) { listeners_.push_back(&listener); }

  Result<journal::Awaited> accept(const broker::ReceivedMessage& message) override;
  // Where a route stores it.
  bool wants(std::string_view topic) override;

  // Stores a batch that is already points. `bytes` is what it came from, for the rates. Errors: as tsdb::Engine::write.
  Result<tsdb::WriteOutcome> write_batch(tsdb::BucketId bucket, const PointBatch& batch, size_t bytes, int64_t now_ns);

  IngestStatus status();
  const TopicRoutes& routes() const { return routes_; }

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // What one thread works with. The lock is only ever taken by that thread, unless there are more threads than scratches.
  struct Scratch {
    std::mutex mutex;
    PointBatch batch;
    // The views of a RoutedTopic's tags are into what it owns; the key is a copy of its topic.
    std::unordered_map<std::string, RoutedTopic, TextHash, std::equal_to<>> topics;
    size_t topic_bytes = 0;
  };
  static constexpr size_t kScratches = 64;

  Ingest(TopicRoutes routes, tsdb::Engine& engine, RejectedStore& rejected, const Clock& clock, Metrics& metrics);

  // The steps of a message, in order.
  const RoutedTopic& route(Scratch& scratch, std::string_view topic);
  Result<decoders::Decoded> decode(const broker::ReceivedMessage& message, const RoutedTopic& routed, PointBatch& batch) const;
  Result<journal::Awaited> store(const broker::ReceivedMessage& message, const RoutedTopic& routed, const PointBatch& batch, std::string left_out);
  Result<tsdb::WriteOutcome> write_in_unit(const broker::ReceivedMessage& message, const RoutedTopic& routed, const PointBatch& batch,
                                           const std::string& left_out, tsdb::BucketId& bucket);
  void notify(tsdb::BucketId bucket, const PointBatch& batch, const tsdb::WriteOutcome& outcome, int64_t now_ns);
  // `points`: the record of what else there is of the message, in the same unit.
  Result<journal::Lsn> reject(const broker::ReceivedMessage& message, const Route& route, std::string reason, const journal::NewRecord* points = nullptr);

  // A message that ends here without a trace but in the counters.
  journal::Awaited pass_over(const broker::ReceivedMessage& message, Counter& why);
  Result<journal::Awaited> count(const broker::ReceivedMessage& message, Result<journal::Awaited> awaited);
  void remember_unrouted(std::string_view topic);
  Result<tsdb::WriteOutcome> write_to(const std::string& database, const PointBatch& batch, int64_t now_ns, tsdb::BucketId& bucket,
                                      const tsdb::AppendPoints* append = nullptr);
  Result<tsdb::BucketId> find_or_make_bucket(const std::string& database);
  Scratch& scratch_of_this_thread();

  const TopicRoutes routes_;
  tsdb::Engine& engine_;
  RejectedStore& rejected_;
  const Clock& clock_;
  std::vector<StoredListener*> listeners_;
  // One for each database that a route names; the ids change when an operator drops a database.
  std::unordered_map<std::string, std::atomic<tsdb::BucketId>> buckets_;
  std::array<Scratch, kScratches> scratches_;

  Counter& messages_;
  Counter& writes_;
  Counter& bytes_;
  Counter& points_;
  Counter& rejected_count_;
  Counter& ignored_;
  Counter& skipped_;
  Counter& unrouted_;
  RateWindow window_;
  std::mutex unrouted_mutex_;
  std::deque<std::string> unrouted_topics_;
};

// Why a point's series key could not be read back, or empty. Line protocol cannot spell such names; other payloads and topics can.
std::string unstorable_name(const PointBatch& batch);

}  // namespace campanile::ingest
