// The relay between two brokers that are bytes: what each is sent, in words.
#include "broker/bridge_relay.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "broker/bridge_marks.h"

namespace campanile::broker {
namespace {

using mqtt::PacketType;
using mqtt::ProtocolVersion;
using mqtt::ReasonCode;

std::string words_of(const mqtt::Frame& frame, ProtocolVersion version) {
  std::string text(mqtt::to_string(frame.type));
  switch (frame.type) {
    case PacketType::kConnect: {
      const auto packet = mqtt::decode_connect(frame.body, {});
      if (!packet) return text + "(?)";
      text += "(" + std::string(packet->client_id) + (packet->clean_start ? ",clean" : "");
      if (packet->version == ProtocolVersion::kV5) {
        text += ",rm" + std::to_string(packet->properties.receive_maximum);
        if (packet->properties.has(mqtt::PropertyId::kMaximumPacketSize)) text += ",max" + std::to_string(packet->properties.maximum_packet_size);
      }
      if (packet->user) text += ",user:" + std::string(*packet->user);
      if (packet->will) text += ",will:" + std::string(packet->will->topic) + "=" + std::string(packet->will->payload);
      return text + ")";
    }
    case PacketType::kPublish: {
      const auto packet = mqtt::decode_publish(frame, version, {});
      if (!packet) return text + "(?)";
      text += "(" + std::string(packet->topic) + "=" + (packet->payload.size() > 20 ? std::to_string(packet->payload.size()) + "B" : std::string(packet->payload));
      if (packet->qos > 0) text += ",q" + std::to_string(packet->qos) + ",id" + std::to_string(packet->packet_id);
      if (packet->duplicate) text += ",dup";
      if (packet->retain) text += ",retain";
      if (packet->message_expiry_s) text += ",expires" + std::to_string(*packet->message_expiry_s);
      if (version == ProtocolVersion::kV5) {
        mqtt::each_user_property(packet->properties, [&](std::string_view name, std::string_view value) {
          text += "," + std::string(name) + ":" + std::string(value);
        });
      }
      return text + ")";
    }
    case PacketType::kSubscribe: {
      const auto packet = mqtt::decode_subscribe(frame.body, version, {});
      if (!packet) return text + "(?)";
      for (const auto& entry : packet->entries) {
        text += "(" + std::string(entry.filter) + ",q" + std::to_string(entry.qos) + (entry.no_local ? ",no-local" : "") +
                (entry.retain_as_published ? ",as-published" : "") + ",rh" + std::to_string(entry.retain_handling) + ")";
      }
      return text;
    }
    case PacketType::kUnsubscribe: {
      const auto packet = mqtt::decode_unsubscribe(frame.body, version, {});
      if (!packet) return text + "(?)";
      for (const auto filter : packet->filters) text += "(" + std::string(filter) + ")";
      return text;
    }
    case PacketType::kPingreq:
    case PacketType::kDisconnect: return text;
    default: {
      const auto packet = mqtt::decode_ack(frame, version);
      if (!packet) return text + "(?)";
      text += "(" + std::to_string(packet->packet_id);
      return text + (packet->reason == ReasonCode::kSuccess ? ")" : fmt::format(":{:02X})", static_cast<uint8_t>(packet->reason)));
    }
  }
}

class RelayTest : public testing::Test, public BridgeRelayHandler {
 protected:
  RelayTest() {
    options.name = "city";
    options.address = {"there", 1883};
    options.client_id = "campus.city";
    options.state_topic = "state";
    options.topics = {{.pattern = "#", .direction = BridgeDirection::kOut, .qos = 2, .local_prefix = "u4/", .remote_prefix = "campus/u4/"},
                      {.pattern = "set/#", .direction = BridgeDirection::kIn, .qos = 2, .remote_prefix = "campus/"}};
    identity = {.broker_id = "me", .request_id = 700, .stale_filters = {}};
  }

  void make() {
    topics = std::make_unique<BridgeTopics>(options.topics);
    relay = std::make_unique<BridgeRelay>(options, *topics, identity, memory, *this);
    log.clear();
    kept[0].clear();
    kept[1].clear();
  }
  // Up to where both sides have let it in and granted what it asks for.
  void bring_up(bool local_present = false, bool remote_present = false) {
    make();
    relay->remote_opened(now());
    remote_connect = sent(BridgeSide::kRemote);
    connack(BridgeSide::kRemote, remote_present);
    relay->local_opened(now());
    local_connect = sent(BridgeSide::kLocal);
    connack(BridgeSide::kLocal, local_present);
    remote_subscribe = sent(BridgeSide::kRemote);
    local_subscribe = sent(BridgeSide::kLocal);
    grant(BridgeSide::kRemote);
    if (remote_present) feed(BridgeSide::kRemote, [&](std::string& out) { mqtt::encode_unsuback(out, options.version, 701, std::vector{ReasonCode::kSuccess}); });
    grant(BridgeSide::kLocal);
    state = sent(BridgeSide::kRemote);
    log.clear();
  }

  ProtocolVersion version(BridgeSide side) const { return side == BridgeSide::kLocal ? ProtocolVersion::kV5 : options.version; }
  int64_t now() const { return clock.steady_ns(); }
  void feed_bytes(BridgeSide side, std::string_view bytes) {
    std::string& all = kept[static_cast<size_t>(side)];
    all.append(bytes);
    all.erase(0, relay->receive(side, all, now()));
  }
  template <typename Encode>
  void feed(BridgeSide side, Encode encode) {
    std::string bytes;
    encode(bytes);
    feed_bytes(side, bytes);
  }
  void connack(BridgeSide side, bool present, const mqtt::PropertyWriter& properties = {}, ReasonCode reason = ReasonCode::kSuccess) {
    feed(side, [&](std::string& out) { mqtt::encode_connack(out, version(side), present, reason, properties); });
  }
  void grant(BridgeSide side, ReasonCode reason = ReasonCode::kGrantedQos2) {
    feed(side, [&](std::string& out) { mqtt::encode_suback(out, version(side), 700, std::vector{reason}); });
  }
  void publish(BridgeSide side, const mqtt::OutgoingPublish& message) {
    feed(side, [&](std::string& out) { mqtt::encode_publish(out, version(side), message); });
  }
  void ack(BridgeSide side, PacketType type, uint16_t id, ReasonCode reason = ReasonCode::kSuccess) {
    feed(side, [&](std::string& out) { mqtt::encode_ack(out, version(side), type, id, reason); });
  }
  // What that broker has been sent.
  std::string sent(BridgeSide side) {
    const std::string bytes = relay->take_output(side);
    std::string text;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto frame = mqtt::next_frame(rest, SIZE_MAX);
      if (!frame || !*frame) return text + "GARBAGE";
      text += (text.empty() ? "" : " ") + words_of(**frame, version(side));
      rest.remove_prefix((*frame)->size);
    }
    return text;
  }
  std::string to_local() { return sent(BridgeSide::kLocal); }
  std::string to_remote() { return sent(BridgeSide::kRemote); }

  void on_local_wanted() override { log += "[local wanted]"; }
  void on_up() override { log += "[up]"; }
  void on_not_granted(std::string_view filter, ReasonCode reason) override { log += fmt::format("[not granted {}: {}]", filter, mqtt::to_string(reason)); }
  void on_input_wanted(BridgeSide side) override {
    log += side == BridgeSide::kLocal ? "[local goes on]" : "[remote goes on]";
    wanted[static_cast<size_t>(side)] = true;
  }
  void on_failed(const BridgeFailure& failure) override { log += fmt::format("[failed{}: {}]", failure.protocol_refused ? ", protocol" : "", failure.words); }
  // What was held back, again.
  void again(BridgeSide side) {
    wanted[static_cast<size_t>(side)] = false;
    feed_bytes(side, {});
  }

  static constexpr BridgeSide kLocal = BridgeSide::kLocal;
  static constexpr BridgeSide kRemote = BridgeSide::kRemote;
  ManualClock clock{0};
  BridgeOptions options;
  BridgeIdentity identity;
  BridgeMemory memory;
  std::unique_ptr<BridgeTopics> topics;
  std::unique_ptr<BridgeRelay> relay;
  std::string log, kept[2], remote_connect, local_connect, remote_subscribe, local_subscribe, state;
  bool wanted[2] = {false, false};
};

TEST_F(RelayTest, ConnectsSubscribesAndTellsItsState) {
  make();
  relay->remote_opened(now());
  EXPECT_EQ(to_remote(), "CONNECT(campus.city,rm100,max1048491,will:state=0)");
  connack(kRemote, false);
  EXPECT_EQ(log, "[local wanted]");
  relay->local_opened(now());
  EXPECT_EQ(to_local(), "CONNECT(bridge/city,rm100)");
  connack(kLocal, false);
  EXPECT_EQ(to_remote(), "SUBSCRIBE(campus/set/#,q2,no-local,as-published,rh0)");
  EXPECT_EQ(to_local(), "SUBSCRIBE(u4/#,q2,no-local,as-published,rh0)");
  grant(kRemote);
  EXPECT_FALSE(relay->up());
  grant(kLocal);
  EXPECT_TRUE(relay->up());
  EXPECT_EQ(log, "[local wanted][up]");
  EXPECT_EQ(to_remote(), "PUBLISH(state=1,retain)");
}

TEST_F(RelayTest, VersionThreeHasNoOptions) {
  options.version = ProtocolVersion::kV311;
  options.user = "campus";
  options.password = "secret";
  bring_up();
  EXPECT_EQ(remote_connect, "CONNECT(campus.city,user:campus,will:state=0)");
  EXPECT_EQ(remote_subscribe, "SUBSCRIBE(campus/set/#,q2,rh0)");
}

TEST_F(RelayTest, RetainedMessagesComeOnceWhereTheSessionsWereKept) {
  options.topics[0].qos = 0;
  identity.stale_filters = {"old/#"};
  bring_up(true, true);
  EXPECT_EQ(remote_subscribe, "SUBSCRIBE(campus/set/#,q2,no-local,as-published,rh1) UNSUBSCRIBE(campus/u4/#)");
  EXPECT_EQ(local_subscribe, "SUBSCRIBE(u4/#,q0,no-local,as-published,rh0) UNSUBSCRIBE(old/#)") << "QoS 0 is not queued meanwhile";
}

TEST_F(RelayTest, EveryQosRunsFromSessionToSession) {
  bring_up();
  publish(kLocal, {.topic = "u4/a", .payload = "0"});
  publish(kLocal, {.topic = "u4/b", .payload = "1", .qos = 1, .retain = true, .packet_id = 5});
  publish(kLocal, {.topic = "u4/c", .payload = "2", .qos = 2, .duplicate = true, .packet_id = 6});
  EXPECT_EQ(to_remote(), "PUBLISH(campus/u4/a=0,campanile-via:me) PUBLISH(campus/u4/b=1,q1,id5,retain,campanile-via:me) "
                         "PUBLISH(campus/u4/c=2,q2,id6,dup,campanile-via:me)");
  EXPECT_EQ(to_local(), "") << "nothing is acknowledged before the remote has";
  ack(kRemote, PacketType::kPuback, 5);
  ack(kRemote, PacketType::kPubrec, 6);
  EXPECT_EQ(to_local(), "PUBACK(5) PUBREC(6)");
  ack(kLocal, PacketType::kPubrel, 6);
  EXPECT_EQ(to_remote(), "PUBREL(6)");
  ack(kRemote, PacketType::kPubcomp, 6);
  EXPECT_EQ(to_local(), "PUBCOMP(6)");

  publish(kRemote, {.topic = "campus/set/lamp", .payload = "on", .qos = 2, .packet_id = 5});
  EXPECT_EQ(to_local(), "PUBLISH(set/lamp=on,q2,id5)");
  EXPECT_EQ(to_remote(), "") << "nor before the local broker has it on disk";
  ack(kLocal, PacketType::kPubrec, 5);
  ack(kRemote, PacketType::kPubrel, 5);
  ack(kLocal, PacketType::kPubcomp, 5);
  EXPECT_EQ(to_remote(), "PUBREC(5) PUBCOMP(5)");
  EXPECT_EQ(to_local(), "PUBREL(5)");
  const BridgeTraffic traffic = relay->take_traffic();
  EXPECT_EQ(traffic.messages_out, 3u);
  EXPECT_EQ(traffic.messages_in, 1u);
  EXPECT_EQ(log, "");
}

TEST_F(RelayTest, ReasonsAndPropertiesTravelBetweenVersionFive) {
  bring_up();
  mqtt::PropertyWriter properties;
  properties.user("k", "v");
  publish(kLocal, {.topic = "u4/a", .payload = "x", .qos = 1, .packet_id = 1, .properties = properties.bytes(), .message_expiry_s = 60});
  EXPECT_EQ(to_remote(), "PUBLISH(campus/u4/a=x,q1,id1,expires60,k:v,campanile-via:me)");
  ack(kRemote, PacketType::kPuback, 1, ReasonCode::kQuotaExceeded);
  EXPECT_EQ(to_local(), "PUBACK(1:97)");
}

TEST_F(RelayTest, VersionThreeKnowsNeither) {
  options.version = ProtocolVersion::kV311;
  bring_up();
  mqtt::PropertyWriter properties;
  properties.user("k", "v");
  publish(kLocal, {.topic = "u4/a", .payload = "x", .qos = 1, .packet_id = 1, .properties = properties.bytes()});
  EXPECT_EQ(to_remote(), "PUBLISH(campus/u4/a=x,q1,id1)");
  publish(kRemote, {.topic = "campus/set/a", .payload = "x", .qos = 2, .packet_id = 1});
  EXPECT_EQ(to_local(), "PUBLISH(set/a=x,q2,id1)");
  ack(kLocal, PacketType::kPubrec, 1, ReasonCode::kNotAuthorized);
  EXPECT_EQ(to_remote(), "PUBREC(1)");
  ack(kRemote, PacketType::kPubrel, 1);
  EXPECT_EQ(to_local(), "PUBREL(1)");
  ack(kLocal, PacketType::kPubcomp, 1, ReasonCode::kPacketIdentifierNotFound);
  EXPECT_EQ(to_remote(), "PUBCOMP(1)");
}

TEST_F(RelayTest, TheRemotesLimitsBecomeThoseOfTheLocalSession) {
  make();
  relay->remote_opened(now());
  to_remote();
  mqtt::PropertyWriter told;
  told.u16(mqtt::PropertyId::kReceiveMaximum, 20);
  told.u32(mqtt::PropertyId::kMaximumPacketSize, 2000);
  told.u8(mqtt::PropertyId::kMaximumQos, 1);
  connack(kRemote, false, told);
  relay->local_opened(now());
  EXPECT_EQ(to_local(), "CONNECT(bridge/city,rm20,max1970)") << "seven bytes for the prefix, the rest for the mark";
  connack(kLocal, false);
  EXPECT_EQ(to_local(), "SUBSCRIBE(u4/#,q1,no-local,as-published,rh0)");
  // Something of a former life.
  publish(kLocal, {.topic = "u4/a", .payload = "x", .qos = 2, .packet_id = 9});
  EXPECT_EQ(to_local(), "PUBREC(9:83)");
  EXPECT_EQ(relay->take_traffic().dropped, 1u);
}

TEST_F(RelayTest, NothingOfTheRemoteIsReadBeforeTheLocalBrokerLetsUsIn) {
  make();
  relay->remote_opened(now());
  connack(kRemote, true);
  publish(kRemote, {.topic = "campus/set/a", .payload = "queued", .qos = 1, .packet_id = 1});
  EXPECT_TRUE(relay->holding(kRemote));
  relay->local_opened(now());
  to_local();
  connack(kLocal, true);
  EXPECT_TRUE(wanted[1]);
  EXPECT_FALSE(relay->holding(kRemote));
  again(kRemote);
  EXPECT_EQ(to_local(), "SUBSCRIBE(u4/#,q2,no-local,as-published,rh1) PUBLISH(set/a=queued,q1,id1)");
}

TEST_F(RelayTest, AMessageWithTheIdentifierOfARequestWaitsForItsAnswer) {
  make();
  relay->remote_opened(now());
  connack(kRemote, false);
  relay->local_opened(now());
  connack(kLocal, false);
  to_remote();
  publish(kLocal, {.topic = "u4/a", .payload = "1", .qos = 1, .packet_id = 699});
  publish(kLocal, {.topic = "u4/a", .payload = "2", .qos = 1, .packet_id = 700});
  publish(kLocal, {.topic = "u4/a", .payload = "3", .qos = 1, .packet_id = 702});
  EXPECT_EQ(to_remote(), "PUBLISH(campus/u4/a=1,q1,id699,campanile-via:me)");
  EXPECT_TRUE(relay->holding(kLocal));
  grant(kRemote);
  ASSERT_TRUE(wanted[0]);
  again(kLocal);
  EXPECT_EQ(to_remote(), "PUBLISH(campus/u4/a=2,q1,id700,campanile-via:me) PUBLISH(campus/u4/a=3,q1,id702,campanile-via:me)");
}

// It would make room for a message with the identifier of the request that is still open.
TEST_F(RelayTest, AnAnswerToAnotherRequestEndsTheLink) {
  const auto suback = [](std::string& out) { mqtt::encode_suback(out, ProtocolVersion::kV5, 701, std::vector{ReasonCode::kGrantedQos2}); };
  const auto unsuback = [](std::string& out) { mqtt::encode_unsuback(out, ProtocolVersion::kV5, 701, std::vector{ReasonCode::kSuccess}); };
  for (const BridgeSide side : {kLocal, kRemote}) {
    for (const bool subscribed : {true, false}) {
      make();
      relay->remote_opened(now());
      connack(kRemote, false);
      relay->local_opened(now());
      connack(kLocal, false);
      subscribed ? feed(side, suback) : feed(side, unsuback);
      EXPECT_TRUE(log.ends_with("broke the protocol: an answer to a request that was not made]")) << log;
    }
  }
}

TEST_F(RelayTest, NoMoreIsUnderWayThanTheLocalBrokerTakes) {
  options.version = ProtocolVersion::kV311;
  make();
  relay->remote_opened(now());
  connack(kRemote, false);
  relay->local_opened(now());
  mqtt::PropertyWriter told;
  told.u16(mqtt::PropertyId::kReceiveMaximum, 2);
  connack(kLocal, false, told);
  grant(kRemote);
  grant(kLocal);
  to_local();
  for (uint16_t id = 1; id <= 3; ++id) publish(kRemote, {.topic = "campus/set/a", .payload = std::to_string(id), .qos = 1, .packet_id = id});
  EXPECT_EQ(to_local(), "PUBLISH(set/a=1,q1,id1) PUBLISH(set/a=2,q1,id2)");
  EXPECT_TRUE(relay->holding(kRemote));
  ack(kLocal, PacketType::kPuback, 1);
  ASSERT_TRUE(wanted[1]);
  again(kRemote);
  EXPECT_EQ(to_local(), "PUBLISH(set/a=3,q1,id3)");
}

TEST_F(RelayTest, WhatNoTopicLetsPassIsTakenAndCounted) {
  bring_up();
  publish(kRemote, {.topic = "campus/other", .payload = "x", .qos = 1, .packet_id = 1});
  publish(kRemote, {.topic = "campus/other", .payload = "x", .qos = 2, .packet_id = 2});
  EXPECT_EQ(to_remote(), "PUBACK(1:83) PUBREC(2:83)");
  options.topic_levels_max = 3;
  publish(kRemote, {.topic = "campus/set/a/b/c", .payload = "x", .qos = 1, .packet_id = 3});
  EXPECT_EQ(to_remote(), "PUBACK(3:83)");
  EXPECT_EQ(to_local(), "");
  EXPECT_EQ(relay->take_traffic().dropped, 3u);
}

TEST_F(RelayTest, AMessageThatHasBeenHereOrThereDoesNotPassAgain) {
  make();
  relay->remote_opened(now());
  mqtt::PropertyWriter told;
  told.user(kBrokerProperty, "them");
  connack(kRemote, false, told);
  relay->local_opened(now());
  connack(kLocal, false);
  grant(kRemote);
  grant(kLocal);
  to_remote();
  to_local();
  const auto via = [](std::string_view id) {
    mqtt::PropertyWriter properties;
    properties.user(kViaProperty, id);
    return properties.bytes();
  };
  publish(kRemote, {.topic = "campus/set/a", .payload = "mine", .qos = 1, .packet_id = 1, .properties = via("me")});
  EXPECT_EQ(to_remote(), "PUBACK(1)");
  publish(kLocal, {.topic = "u4/a", .payload = "theirs", .qos = 2, .packet_id = 1, .properties = via("them")});
  EXPECT_EQ(to_local(), "PUBREC(1:83)");
  publish(kLocal, {.topic = "u4/a", .payload = "of a third", .properties = via("third")});
  EXPECT_EQ(to_remote(), "PUBLISH(campus/u4/a=of a third,campanile-via:third,campanile-via:me)");
  EXPECT_EQ(relay->take_traffic().looped, 2u);
}

TEST_F(RelayTest, ALargeMessageOfAVersionThreeRemoteIsSkipped) {
  options.version = ProtocolVersion::kV311;
  options.local_packet_bytes_max = 2048;
  bring_up();
  std::string bytes;
  mqtt::encode_publish(bytes, options.version, {.topic = "campus/set/a", .payload = std::string(5000, 'x'), .qos = 1, .packet_id = 1});
  mqtt::encode_publish(bytes, options.version, {.topic = "campus/set/a", .payload = "small", .qos = 1, .packet_id = 2});
  for (const char byte : bytes) feed_bytes(kRemote, {&byte, 1});
  EXPECT_EQ(to_remote(), "PUBACK(1)");
  EXPECT_EQ(to_local(), "PUBLISH(set/a=small,q1,id2)");
  EXPECT_EQ(relay->take_traffic().dropped, 1u);
  EXPECT_EQ(log, "");
}

TEST_F(RelayTest, ALargePacketWhoseHeadCannotBeEndsTheLink) {
  options.version = ProtocolVersion::kV311;
  options.local_packet_bytes_max = 2048;
  const std::string body(3000, 'x');  // from offset 2 of it on a topic of 0x7878 bytes would reach beyond the packet
  for (const std::string& head : {std::string("\x32\xb8\x17"), std::string("\x36\xb8\x17\x00\x01" "a\x00\x01", 8), std::string("\x32\xb8\x17\x00\x01" "a\x00\x00", 8)}) {
    bring_up();
    feed_bytes(kRemote, head + body);
    EXPECT_TRUE(log.starts_with("[failed: the remote broker broke the protocol: ")) << log << " after " << testing::PrintToString(head);
    EXPECT_EQ(to_remote(), "");
  }
}

TEST_F(RelayTest, ARemoteThatTakesNoPacketAsLargeAsARequestIsToldOf) {
  options.topics[1].pattern = std::string(90, 's') + "/#";
  make();
  relay->remote_opened(now());
  to_remote();
  mqtt::PropertyWriter told;
  told.u32(mqtt::PropertyId::kMaximumPacketSize, 100);
  connack(kRemote, false, told);
  relay->local_opened(now());
  to_local();
  connack(kLocal, false);
  EXPECT_EQ(log, "[local wanted][failed: the remote broker takes packets of 100 bytes at most, and the request for all topics has 107]");
  EXPECT_EQ(to_remote() + to_local(), "");
}

TEST_F(RelayTest, AStateTooLargeForTheRemoteStaysUnsaid) {
  options.state_topic = std::string(100, 's');
  make();
  relay->remote_opened(now());
  to_remote();
  mqtt::PropertyWriter told;
  told.u32(mqtt::PropertyId::kMaximumPacketSize, 100);
  connack(kRemote, false, told);
  relay->local_opened(now());
  connack(kLocal, false);
  to_remote();
  grant(kRemote);
  grant(kLocal);
  EXPECT_EQ(log, "[local wanted][up]");
  EXPECT_EQ(to_remote(), "");
}

TEST_F(RelayTest, AfterOneSideLostItsSessionTheOtherReleasesIdentifiersFirst) {
  bring_up(/*local_present=*/true, /*remote_present=*/false);
  publish(kRemote, {.topic = "campus/set/a", .payload = "new", .qos = 2, .packet_id = 4});
  EXPECT_EQ(to_local(), "PUBREL(4) PUBLISH(set/a=new,q2,id4)");
  ack(kLocal, PacketType::kPubcomp, 4, ReasonCode::kSuccess);
  EXPECT_EQ(to_remote(), "") << "the remote knows nothing of that exchange";
  ack(kLocal, PacketType::kPubrec, 4);
  ack(kRemote, PacketType::kPubrel, 4);
  ack(kLocal, PacketType::kPubcomp, 4);
  EXPECT_EQ(to_remote(), "PUBREC(4) PUBCOMP(4)");
  EXPECT_EQ(to_local(), "PUBREL(4)");
  // The next link: both know each other. What was used since is left alone, the rest still released first.
  bring_up(true, true);
  publish(kRemote, {.topic = "campus/set/a", .payload = "again", .qos = 2, .duplicate = true, .packet_id = 4});
  publish(kRemote, {.topic = "campus/set/a", .payload = "first", .qos = 2, .packet_id = 5});
  EXPECT_EQ(to_local(), "PUBLISH(set/a=again,q2,id4,dup) PUBREL(5) PUBLISH(set/a=first,q2,id5)");

  memory = {};
  bring_up(false, true);
  publish(kLocal, {.topic = "u4/a", .payload = "x", .qos = 2, .packet_id = 1});
  publish(kRemote, {.topic = "campus/set/a", .payload = "kept there", .qos = 2, .packet_id = 1});
  EXPECT_EQ(to_remote(), "PUBREL(1) PUBLISH(campus/u4/a=x,q2,id1,campanile-via:me)");
  EXPECT_EQ(to_local(), "PUBLISH(set/a=kept there,q2,id1)");
}

TEST_F(RelayTest, ARefusalIsToldInWords) {
  make();
  relay->remote_opened(now());
  connack(kRemote, false, {}, ReasonCode::kBadUserNameOrPassword);
  EXPECT_EQ(log, "[failed: the remote broker refused the connection: bad user name or password]");
  options.version = ProtocolVersion::kV311;
  make();
  relay->remote_opened(now());
  connack(kRemote, false, {}, ReasonCode::kUnsupportedProtocolVersion);
  EXPECT_EQ(log, "[failed, protocol: the remote broker refused the connection: unsupported protocol version]");
}

TEST_F(RelayTest, ASubscriptionThatIsNotGrantedIsNamed) {
  make();
  relay->remote_opened(now());
  connack(kRemote, false);
  relay->local_opened(now());
  connack(kLocal, false);
  log.clear();
  grant(kRemote, ReasonCode::kNotAuthorized);
  grant(kLocal);
  EXPECT_EQ(log, "[not granted campus/set/#: not authorized][up]");
}

TEST_F(RelayTest, PingsAndGivesUpOnASilentRemote) {
  options.keep_alive_s = 40;
  bring_up();
  clock.advance_ns(29 * kNanosPerSecond);
  relay->notify_timer(now());
  EXPECT_EQ(to_remote(), "") << "the state went out at first";
  clock.advance_ns(31 * kNanosPerSecond);
  relay->notify_timer(now());
  EXPECT_EQ(to_remote(), "PINGREQ");
  feed(kRemote, [](std::string& out) { mqtt::encode_pingresp(out); });
  clock.advance_ns(30 * kNanosPerSecond);
  relay->notify_timer(now());
  EXPECT_EQ(to_remote(), "PINGREQ");
  relay->excuse_silence(kRemote);
  clock.advance_ns(40 * kNanosPerSecond);
  relay->notify_timer(now());
  EXPECT_EQ(to_remote(), "PINGREQ");
  EXPECT_EQ(log, "");
  clock.advance_ns(40 * kNanosPerSecond);
  relay->notify_timer(now());
  EXPECT_EQ(log, "[failed: the remote broker did not answer for 40 s]");
  EXPECT_EQ(to_local(), "") << "the local broker wants no pings";
}

TEST_F(RelayTest, GivesUpOnWhoDoesNotAnswerCONNECT) {
  make();
  relay->remote_opened(now());
  clock.advance_ns(10 * kNanosPerSecond);
  relay->notify_timer(now());
  EXPECT_EQ(log, "[failed: the remote broker did not answer CONNECT within 10 s]");
}

TEST_F(RelayTest, StopSaysGoodbyeToBoth) {
  bring_up();
  relay->stop();
  EXPECT_EQ(to_remote(), "PUBLISH(state=0,retain) DISCONNECT");
  EXPECT_EQ(to_local(), "DISCONNECT");
}

TEST_F(RelayTest, GarbageOfEitherSideEndsTheLink) {
  for (const BridgeSide side : {kLocal, kRemote}) {
    for (const std::string_view bytes : {std::string_view("\x00\x00", 2), std::string_view("\x10\x00", 2), std::string_view("\x30\xff\xff\xff\xff", 5),
                                         std::string_view("\x90\x03\x00\x09\x00", 5), std::string_view("\x40\x01\x00", 3), std::string_view("\x33\x05\x00\x01" "a\x00\x00", 7)}) {
      bring_up();
      feed_bytes(side, bytes);
      EXPECT_TRUE(log.starts_with("[failed: ")) << log << " after " << testing::PrintToString(bytes);
      publish(side, {.topic = "u4/a", .payload = "after the end"});
      EXPECT_EQ(to_local() + to_remote(), "");
    }
  }
}

}  // namespace
}  // namespace campanile::broker
