#include "ingest/pipeline.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/text.h"

namespace campanile::ingest {
namespace {

// Counts the threads that ever came here, so that each has a scratch of its own while there are at most kScratches of them.
size_t index_of_this_thread() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t index = threads.fetch_add(1);
  return index;
}

// Failures that pass: the sender is not acknowledged and tries again. Everything else would fail again in the same way.
bool may_succeed_later(ErrorCode code) {
  return code == ErrorCode::kOverloaded || code == ErrorCode::kIoError || code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
}

// The first that was refused for a reason that passes, or none.
const tsdb::PointError* find_passing(std::span<const tsdb::PointError> errors) {
  const auto passing = std::ranges::find_if(errors, [](const tsdb::PointError& error) { return may_succeed_later(error.error.code); });
  return passing == errors.end() ? nullptr : &*passing;
}

// A point that was refused for a reason that passes makes the whole batch one to send again: the points that were stored are then
// written a second time at the same times, which changes nothing.
Result<tsdb::WriteOutcome> whole_or_later(Result<tsdb::WriteOutcome> outcome) {
  if (!outcome) return outcome;
  const tsdb::PointError* const passing = find_passing(outcome->errors);
  if (passing) return std::unexpected(passing->error);
  return outcome;
}

std::string describe(std::span<const tsdb::PointError> errors) {
  if (errors.size() == 1) return errors[0].error.message;
  const auto first = std::ranges::min_element(errors, {}, &tsdb::PointError::point);
  return fmt::format("{} points were refused, the first one because: {}", errors.size(), first->error.message);
}

// Why not all of a message became points: what the decoder left out, and what the engine refused.
std::string reason_of(std::string left_out, std::span<const tsdb::PointError> refused) {
  if (refused.empty()) return left_out;
  if (!left_out.empty()) left_out += "; ";
  return left_out + describe(refused);
}

Result<journal::Awaited> awaiting_sync(Result<journal::Lsn> lsn) {
  return journal::Awaited{.synced = TRY(std::move(lsn))};
}

}  // namespace

std::string unstorable_name(const PointBatch& batch) {
  for (const auto& point : batch.points()) {
    if (!point.series_key.empty()) continue;
    // In a series key the backslash would escape the comma after it.
    if (point.measurement.ends_with('\\')) return fmt::format("measurement '{}' ends in a backslash, which a series name cannot", excerpt(point.measurement));
    for (const Tag& tag : batch.tags(point)) {
      if (tag.key.ends_with('\\') || tag.value.ends_with('\\')) {
        return fmt::format("tag '{}={}' ends in a backslash, which a series name cannot", excerpt(tag.key), excerpt(tag.value));
      }
    }
  }
  return {};
}

Ingest::Ingest(TopicRoutes routes, tsdb::Engine& engine, RejectedStore& rejected, const Clock& clock, Metrics& metrics)
    : routes_(std::move(routes)),
      engine_(engine),
      rejected_(rejected),
      clock_(clock),
      messages_(metrics.counter("campanile_ingest_messages_total", "Messages of the broker that were taken in")),
      writes_(metrics.counter("campanile_ingest_writes_total", "Batches of points that came over HTTP")),
      bytes_(metrics.counter("campanile_ingest_bytes_total", "Bytes of payloads and batches")),
      points_(metrics.counter("campanile_ingest_points_total", "Points that were stored")),
      rejected_count_(metrics.counter("campanile_ingest_rejected_total", "Messages kept with the reason why they, or parts of them, were not stored")),
      ignored_(metrics.counter("campanile_ingest_ignored_total", "Messages without a reading, such as status replies")),
      skipped_(metrics.counter("campanile_ingest_skipped_total", "Messages of topics that a route says to skip")),
      unrouted_(metrics.counter("campanile_ingest_unrouted_total", "Messages of topics that no route matches")),
      window_(clock.steady_ns()) {}

Result<std::unique_ptr<Ingest>> Ingest::open(const IngestOptions& options, tsdb::Engine& engine, RejectedStore& rejected, const Clock& clock,
                                             Metrics& metrics) {
  auto configs = options.routes;
  if (options.builtin_routes && options.broker_load) std::ranges::move(broker_load_routes(), std::back_inserter(configs));
  if (options.builtin_routes) std::ranges::move(default_routes(), std::back_inserter(configs));
  auto routes = TRY(TopicRoutes::compile(configs, options.defaults));
  std::unique_ptr<Ingest> ingest(new Ingest(std::move(routes), engine, rejected, clock, metrics));
  // The default database is there from the start, whether or not a route names it, so that clients find it.
  TRY(ingest->find_or_make_bucket(options.defaults.database));
  for (const auto& route : ingest->routes_.routes()) {
    if (!route->skip) ingest->buckets_[route->database] = TRY(ingest->find_or_make_bucket(route->database));
  }
  return ingest;
}

Result<tsdb::BucketId> Ingest::find_or_make_bucket(const std::string& database) {
  TRY(engine_.create_database(database));
  return engine_.bucket(database, "");
}

Ingest::Scratch& Ingest::scratch_of_this_thread() { return scratches_[index_of_this_thread() % kScratches]; }

Result<journal::Awaited> Ingest::accept(const broker::ReceivedMessage& message) {
  Scratch& scratch = scratch_of_this_thread();
  const std::lock_guard lock(scratch.mutex);
  const RoutedTopic& routed = route(scratch, message.topic);
  if (routed.route == nullptr) return pass_over(message, unrouted_);
  if (routed.route->skip) return pass_over(message, skipped_);
  // An empty payload clears a retained message [MQTT-3.3.1-10]; it is no reading.
  if (message.payload.empty()) return pass_over(message, ignored_);

  scratch.batch.clear();
  auto decoded = decode(message, routed, scratch.batch);
  if (!decoded) return count(message, awaiting_sync(reject(message, *routed.route, decoded.error().message)));
  if (decoded->ignored) return pass_over(message, ignored_);
  return count(message, store(message, routed, scratch.batch, std::move(decoded->left_out)));
}

bool Ingest::wants(std::string_view topic) {
  const RoutedTopic routed = routes_.find(topic);
  return routed.route != nullptr && !routed.route->skip;
}

const RoutedTopic& Ingest::route(Scratch& scratch, std::string_view topic) {
  if (const auto known = scratch.topics.find(topic); known != scratch.topics.end()) return known->second;
  // Emptying is cruder than forgetting the oldest, and enough: topics that are in use are back after one message each.
  if (scratch.topics.size() >= kCachedTopicsMax || scratch.topic_bytes + topic.size() > kCachedTopicBytesMax) {
    scratch.topics.clear();
    scratch.topic_bytes = 0;
  }
  RoutedTopic routed = routes_.find(topic);
  if (routed.route == nullptr) remember_unrouted(topic);
  scratch.topic_bytes += topic.size();
  return scratch.topics.emplace(topic, std::move(routed)).first->second;
}

Result<decoders::Decoded> Ingest::decode(const broker::ReceivedMessage& message, const RoutedTopic& routed, PointBatch& batch) const {
  const Route& route = *routed.route;
  auto decoded = TRY(route.decoder->decode(
      {.topic = message.topic, .payload = message.payload, .measurement = route.measurement, .tags = routed.tags, .field = route.field}, batch));
  if (std::string why = unstorable_name(batch); !why.empty()) return fail(ErrorCode::kInvalidArgument, "{}", why);
  return decoded;
}

Result<journal::Awaited> Ingest::store(const broker::ReceivedMessage& message, const RoutedTopic& routed, const PointBatch& batch,
                                       std::string left_out) {
  tsdb::BucketId bucket = 0;
  auto outcome = message.append ? write_in_unit(message, routed, batch, left_out, bucket)
                                : write_to(routed.route->database, batch, message.received_ns, bucket);
  if (!outcome && may_succeed_later(outcome.error().code)) return std::unexpected(outcome.error());
  if (!outcome) return awaiting_sync(reject(message, *routed.route, outcome.error().message));
  points_.add(outcome->points_stored);
  notify(bucket, batch, *outcome, message.received_ns);
  if (outcome->errors.empty() && left_out.empty()) return outcome->awaited;
  if (message.append && outcome->points_stored > 0) return outcome->awaited;  // rejected with them
  outcome->awaited.include({.synced = TRY(reject(message, *routed.route, reason_of(std::move(left_out), outcome->errors)))});
  return outcome->awaited;
}

Result<tsdb::WriteOutcome> Ingest::write_in_unit(const broker::ReceivedMessage& message, const RoutedTopic& routed, const PointBatch& batch,
                                                 const std::string& left_out, tsdb::BucketId& bucket) {
  const tsdb::AppendPoints append = [&](const journal::NewRecord& points, std::span<const tsdb::PointError> refused) -> Result<journal::Lsn> {
    if (const auto* passing = find_passing(refused)) return std::unexpected(passing->error);
    if (refused.empty() && left_out.empty()) return (*message.append)({&points, 1});
    return reject(message, *routed.route, reason_of(left_out, refused), &points);
  };
  return write_to(routed.route->database, batch, message.received_ns, bucket, &append);
}

Result<tsdb::WriteOutcome> Ingest::write_to(const std::string& database, const PointBatch& batch, int64_t now_ns, tsdb::BucketId& bucket,
                                            const tsdb::AppendPoints* append) {
  std::atomic<tsdb::BucketId>& known = buckets_.find(database)->second;
  bucket = known.load(std::memory_order_relaxed);
  auto outcome = whole_or_later(engine_.write(bucket, batch, now_ns, append));
  if (outcome || outcome.error().code != ErrorCode::kNotFound) return outcome;
  // An operator has dropped the database. Its devices go on sending, so it is made again.
  bucket = TRY(find_or_make_bucket(database));
  known.store(bucket, std::memory_order_relaxed);
  return whole_or_later(engine_.write(bucket, batch, now_ns, append));
}

void Ingest::notify(tsdb::BucketId bucket, const PointBatch& batch, const tsdb::WriteOutcome& outcome, int64_t now_ns) {
  if (listeners_.empty() || outcome.points_stored == 0) return;
  if (outcome.errors.empty()) {
    for (StoredListener* const listener : listeners_) listener->on_stored(bucket, batch, now_ns);
    return;
  }
  std::vector<bool> is_refused(batch.size());
  for (const tsdb::PointError& error : outcome.errors) is_refused[error.point] = true;
  PointBatch stored;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (is_refused[i]) continue;
    const auto& point = batch.points()[i];
    stored.begin_point(point.measurement);
    for (const Tag& tag : batch.tags(point)) stored.add_tag(tag.key, tag.value);
    for (const Field& field : batch.fields(point)) stored.add_field(field.name, field.value);
    if (point.has_time) stored.set_time(point.time_ns);
    stored.set_series_key(point.series_key);
    stored.end_point();
  }
  for (StoredListener* const listener : listeners_) listener->on_stored(bucket, stored, now_ns);
}

Result<journal::Lsn> Ingest::reject(const broker::ReceivedMessage& message, const Route& route, std::string reason, const journal::NewRecord* points) {
  journal::AppendFunction append_both;
  if (points) {
    append_both = [&](std::span<const journal::NewRecord> kept) { return (*message.append)(std::array{*points, kept.front()}); };
  }
  const auto lsn = TRY(rejected_.add({.time_ns = message.received_ns,
                                      .topic = std::string(message.topic),
                                      .client = std::string(message.client_id),
                                      .decoder = std::string(route.decoder->name()),
                                      .reason = std::move(reason),
                                      .payload = std::string(message.payload.substr(0, RejectedStore::kPayloadBytesKeptMax)),
                                      .payload_bytes = message.payload.size()},
                                     points ? &append_both : message.append));
  rejected_count_.add();
  return lsn;
}

journal::Awaited Ingest::pass_over(const broker::ReceivedMessage& message, Counter& why) {
  messages_.add();
  bytes_.add(message.payload.size());
  why.add();
  return {};
}

// A message that is tried again later is counted when it succeeds.
Result<journal::Awaited> Ingest::count(const broker::ReceivedMessage& message, Result<journal::Awaited> awaited) {
  if (!awaited) return awaited;
  messages_.add();
  bytes_.add(message.payload.size());
  return awaited;
}

Result<tsdb::WriteOutcome> Ingest::write_batch(tsdb::BucketId bucket, const PointBatch& batch, size_t bytes, int64_t now_ns) {
  auto outcome = TRY(whole_or_later(engine_.write(bucket, batch, now_ns)));
  writes_.add();
  bytes_.add(bytes);
  points_.add(outcome.points_stored);
  notify(bucket, batch, outcome, now_ns);
  return outcome;
}

void Ingest::remember_unrouted(std::string_view topic) {
  const std::lock_guard lock(unrouted_mutex_);
  const std::string shown = excerpt(topic, 200);
  if (std::ranges::find(unrouted_topics_, shown) != unrouted_topics_.end()) return;
  unrouted_topics_.push_back(shown);
  if (unrouted_topics_.size() > kUnroutedTopicsShown) unrouted_topics_.pop_front();
}

IngestStatus Ingest::status() {
  IngestStatus status{.messages = messages_.value(),
                      .writes = writes_.value(),
                      .bytes = bytes_.value(),
                      .points = points_.value(),
                      .rejected = rejected_count_.value(),
                      .ignored = ignored_.value(),
                      .skipped = skipped_.value(),
                      .unrouted = unrouted_.value()};
  const auto rates = window_.rates(clock_.steady_ns(), {status.messages, status.points, status.bytes, status.rejected});
  status.messages_per_s = rates[0];
  status.points_per_s = rates[1];
  status.bytes_per_s = rates[2];
  status.rejected_per_s = rates[3];
  const std::lock_guard lock(unrouted_mutex_);
  status.unrouted_topics.assign(unrouted_topics_.begin(), unrouted_topics_.end());
  return status;
}

}  // namespace campanile::ingest
