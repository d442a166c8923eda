// TopicWatch: which topics carry messages, while somebody looks: counters and the last message of each topic since the first look.
//
//   if (watch.active()) watch.note(publication, now_ns);          // on the hot path: one load while nobody looks
//   watch.look(steady_ns, retained, now_ns);                       // begins, or goes on for kLookS seconds more
//   TopicView view = watch.view({.under = {"", "u4/"}, .topic = "u4/302/co2"});
//   watch.tick(steady_ns);                                         // lets go, a little at a time, when nobody has looked for so long
//
// A path is a topic's first levels, each with its slash: "" is the root, "u4/" what lies below the level u4.
// Threads: any; sixty-four stripes with a lock each, held for one message or for a look at a few hundred topics. tick() on one thread.
// Limits: kTopicsMax topics, kBytesMax of topics and payloads, kPayloadBytesMax of one payload. Topics beyond are left out, payloads
// beyond are cut or left out, and both are told.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/message.h"
#include "broker/string_map.h"

namespace campanile::broker {

class RetainedStore;

struct TopicQuery {
  std::vector<std::string> under;  // paths whose next levels are wanted
  std::string topic;               // whose last message is wanted; empty: none
  size_t levels_max = 500;         // of one path
};

struct TopicLevel {
  std::string name;
  std::string path;           // of the level itself, with its slash
  bool is_topic = false;      // messages are published to the path without the slash
  size_t topics = 0;          // at and below it
  uint64_t messages = 0;
  uint64_t bytes = 0;         // of payloads
  int64_t time_ns = 0;        // of the newest message; 0: none
  std::string last;           // where it is a topic: the beginning of its last payload
};

struct TopicMessage {
  std::string payload;
  size_t payload_bytes = 0;  // before it was cut
  uint64_t messages = 0;
  uint64_t bytes = 0;
  int64_t time_ns = 0;
  uint8_t qos = 0;
  bool retain = false;       // was published so
};

struct TopicView {
  struct Path {
    std::string under;
    std::vector<TopicLevel> levels;  // by name
    size_t left_out = 0;
  };
  std::vector<Path> paths;              // as asked for
  std::optional<TopicMessage> message;  // of query.topic
  size_t topics = 0;
  uint64_t left_out = 0;  // messages of topics that had no room
  int64_t since_ns = 0;   // wall time
};

class TopicWatch {
 public:
  static constexpr size_t kTopicsMax = 20'000;
  static constexpr size_t kBytesMax = 16u << 20;
  static constexpr size_t kPayloadBytesMax = 4096;
  static constexpr size_t kPreviewBytes = 64;
  static constexpr int64_t kLookS = 20;

  bool active() const { return active_.load(std::memory_order_relaxed); }
  void note(const Publication& publication, int64_t now_ns);

  // At the first look the retained messages are taken in, up to half the room, so that topics that are silent now are seen too.
  void look(int64_t steady_ns, const RetainedStore& retained, int64_t now_ns);
  TopicView view(const TopicQuery& query) const;
  void tick(int64_t steady_ns);

 private:
  struct Entry {
    std::string payload;
    size_t payload_bytes = 0;
    uint64_t messages = 0;
    uint64_t bytes = 0;
    int64_t time_ns = 0;
    uint8_t qos = 0;
    bool retain = false;
  };
  struct Stripe {
    mutable std::mutex mutex;
    StringMap<Entry> topics;
  };
  static constexpr size_t kStripes = 64;

  Stripe& stripe_of(std::string_view topic);
  const Stripe& stripe_of(std::string_view topic) const;
  // The topic's entry, or null where there is no room for one more.
  Entry* find_or_add(Stripe& stripe, std::string_view topic);
  void keep_last(Entry& entry, std::string_view payload);
  void take_retained(const RetainedStore& retained, std::string_view filter, int64_t now_ns);
  void clear(Stripe& stripe);

  std::atomic<bool> active_{false};
  std::atomic<int64_t> until_ns_{0};  // steady
  std::mutex look_mutex_;             // one look begins at a time; outside the stripes' locks
  std::array<Stripe, kStripes> stripes_;
  std::atomic<size_t> topics_{0};
  std::atomic<size_t> bytes_{0};
  std::atomic<uint64_t> left_out_{0};
  std::atomic<int64_t> since_ns_{0};
  size_t to_clear_ = 0;               // stripes; under look_mutex_
};

}  // namespace campanile::broker
