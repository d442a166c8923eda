// TopicAliasSender: which topics are sent to a version 5 peer as a number, and when their text must go along [section 3.3.2.3.4].
//
//   TopicAliasSender aliases(std::min(client_maximum, own_maximum));
//   const TopicAliasSender::Use use = aliases.use("u4/302/temperature");
//   encode_publish(out, version, {.topic = use.with_topic ? topic : "", .topic_alias = use.alias, ...});
//
// Every answer of use() must be sent, in the order of the calls: the peer learns an alias from the packet that carries both.
// An alias belongs to one network connection [MQTT-3.3.2-7]: a new connection begins with a new object.
// Aliases go to whatever topic comes first. Once all are given, a topic without one passes the hand of a clock: an alias that was
// used since the hand last came by stays where it is, any other goes to the topic. A few busy topics so keep theirs while many
// rare ones pass, and a miss costs one step.
// Threads: one owner. Limits: kAliasesMax aliases of topics of kTopicBytesMin to kTopicBytesMax bytes; others are sent as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace campanile::mqtt {

class TopicAliasSender {
 public:
  static constexpr uint16_t kAliasesMax = 256;
  // An alias costs three bytes: below, it gains nothing.
  static constexpr size_t kTopicBytesMin = 6;
  static constexpr size_t kTopicBytesMax = 1024;
  // How much larger than without an alias the packet that carries both can become: the property, and a longer length twice.
  static constexpr size_t kOverheadBytes = 5;

  explicit TopicAliasSender(uint16_t maximum) : maximum_(maximum < kAliasesMax ? maximum : kAliasesMax) {}

  struct Use {
    uint16_t alias = 0;      // 0: none
    bool with_topic = true;  // false: the peer knows what the alias stands for
  };
  // For a message to `topic`. With `may_assign` false (no room for kOverheadBytes) only an alias that the peer knows is used.
  Use use(std::string_view topic, bool may_assign = true);

 private:
  struct Slot {
    std::string topic;
    bool used = false;  // since the hand came by
  };

  const uint16_t maximum_;
  uint16_t hand_ = 0;
  std::vector<uint32_t> hashes_;  // of the topics, apart from them: a look-up scans these
  std::vector<Slot> slots_;       // by alias - 1
};

}  // namespace campanile::mqtt
