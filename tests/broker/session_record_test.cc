#include "broker/session_record.h"

#include <gtest/gtest.h>

#include "broker/session_rows.h"

namespace campanile::broker {
namespace {

MessagePtr message() {
  return std::make_shared<const Message>(Message{.topic = "u4/302/co2", .payload = std::string("\0\xFF 412", 6), .properties = "props",
                                                 .published_ns = 1'700'000'000'000'000'000, .expires_ns = 1'700'000'060'000'000'000, .qos = 2,
                                                 .retain = true});
}

void expect_same(const Message& a, const Message& b) {
  EXPECT_EQ(a.topic, b.topic);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(a.properties, b.properties);
  EXPECT_EQ(a.published_ns, b.published_ns);
  EXPECT_EQ(a.expires_ns, b.expires_ns);
  EXPECT_EQ(a.qos, b.qos);
  EXPECT_EQ(a.retain, b.retain);
}

SessionRecord decoded(const std::string& bytes) {
  auto record = decode_session_record(bytes);
  EXPECT_TRUE(record) << record.error().message;
  return record ? std::move(*record) : SessionRecord{};
}

std::string message_record(const std::vector<RecordedReceiver>& receivers) {
  return encode_message_head(7, 12, receivers, Publication::of(message())) + (receivers.empty() ? "" : message()->payload);
}

TEST(SessionRecord, EventsComeBack) {
  const QueueLimits limits{.bytes_max = uint64_t{1} << 40, .messages_max = 7, .age_max_s = 60};
  const auto opened = decoded(encode_opened(300, 3600, limits, "neosensor-17"));
  EXPECT_EQ(opened.event, SessionEvent::kOpened);
  EXPECT_EQ(opened.session, 300u);
  EXPECT_EQ(opened.expiry_s, 3600u);
  EXPECT_EQ(opened.queue, limits);
  EXPECT_EQ(opened.text, "neosensor-17");

  const auto subscribed = decoded(encode_subscribed(1, {.qos = 2, .no_local = true, .retain_as_published = true, .identifier = 268'435'455}, "a/+/#"));
  EXPECT_EQ(subscribed.event, SessionEvent::kSubscribed);
  EXPECT_EQ(subscribed.text, "a/+/#");
  EXPECT_EQ(subscribed.options, (SubscriptionOptions{.qos = 2, .no_local = true, .retain_as_published = true, .identifier = 268'435'455}));
  EXPECT_EQ(decoded(encode_unsubscribed(1, "a")).text, "a");

  const auto given = decoded(encode_given(UINT64_MAX, UINT64_MAX, 65'535));
  EXPECT_EQ(given.session, UINT64_MAX);
  EXPECT_EQ(given.sequence, UINT64_MAX);
  EXPECT_EQ(given.packet_id, 65'535);
  EXPECT_EQ(decoded(encode_peer_received(1, 9)).event, SessionEvent::kPeerReceived);
  EXPECT_EQ(decoded(encode_finished(1, 9)).sequence, 9u);
  EXPECT_EQ(decoded(encode_released(1, 258)).packet_id, 258);
  EXPECT_EQ(decoded(encode_ended(1)).event, SessionEvent::kEnded);
  EXPECT_EQ(decoded(encode_away(4, 100, -5)).since_ns, -5);
}

Will a_will() {
  return {.message = message(), .expiry_s = 60, .delay_s = 30, .client_id = "neosensor-17", .user = "anna", .number = 300, .session = 4};
}

std::string will_record(const Will& will) { return encode_will_left_head(will) + will.message->payload; }

void expect_same(const Will& a, const Will& b) {
  expect_same(*a.message, *b.message);
  EXPECT_EQ(a.expiry_s, b.expiry_s);
  EXPECT_EQ(a.delay_s, b.delay_s);
  EXPECT_EQ(a.client_id, b.client_id);
  EXPECT_EQ(a.user, b.user);
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.session, b.session);
}

TEST(SessionRecord, AWillIsLeftAndGoes) {
  const auto left = decoded(will_record(a_will()));
  EXPECT_EQ(left.event, SessionEvent::kWillLeft);
  EXPECT_EQ(left.session, 300u);
  ASSERT_TRUE(left.will);
  expect_same(*left.will, a_will());
  const auto gone = decoded(encode_will_gone(300));
  EXPECT_EQ(gone.event, SessionEvent::kWillGone);
  EXPECT_EQ(gone.session, 300u);
  const auto row = decode_will_row(300, encode_will_row(a_will()));
  ASSERT_TRUE(row) << row.error().message;
  expect_same(**row, a_will());
  EXPECT_FALSE(decode_will_row(300, encode_will_row(a_will()).substr(0, 20)));
}

// Up to then a delayed will was in its session's record and row, without number and client identifier.
TEST(SessionRecord, TheWillOfASessionOfVersion2IsReadToo) {
  const std::string will("\x3c\x1e\x04" "anna\x05" "\x01\x00\x00\x00\x00\x00\x00\x00" "\x02\x00\x00\x00\x00\x00\x00\x00" "\x04" "gone\x00" "bye", 33);
  const auto check = [](const Will* read) {
    ASSERT_TRUE(read);
    EXPECT_EQ(read->expiry_s, 60u);
    EXPECT_EQ(read->delay_s, 30u);
    EXPECT_EQ(read->user, "anna");
    EXPECT_EQ(read->number, 0u);
    EXPECT_EQ(read->client_id, "");
    expect_same(*read->message, {.topic = "gone", .payload = "bye", .published_ns = 1, .expires_ns = 2, .qos = 1, .retain = true});
  };
  const auto away = decoded(std::string("\x02\x02\x04\x64\x00\x00\x00\xfb\xff\xff\xff\xff\xff\xff\xff", 15) + will);
  EXPECT_EQ(away.since_ns, -5);
  EXPECT_EQ(away.expiry_s, 100u);
  check(away.will.get());
  const auto row = decode_session_row(
      std::string("\x02\x05\x2c\x28\x00\x3c\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" "c\x00\x00", 24) + will);
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(row->client_id, "c");
  check(row->will.get());
  EXPECT_FALSE(decode_session_record(std::string("\x03\x02\x04\x64\x00\x00\x00\xfb\xff\xff\xff\xff\xff\xff\xff", 15) + will)) << "no more";
}

TEST(SessionRecord, ThoseOfVersion1AreReadToo) {
  const auto opened = decoded(std::string("\x01\x01\x07\x10\x0e\x00\x00neosensor", 16));
  EXPECT_EQ(opened.event, SessionEvent::kOpened);
  EXPECT_EQ(opened.session, 7u);
  EXPECT_EQ(opened.expiry_s, 3600u);
  EXPECT_EQ(opened.queue, QueueLimits{});
  EXPECT_EQ(opened.text, "neosensor");
  EXPECT_EQ(decoded(std::string("\x01\x0a\x07\x09", 4)).sequence, 9u);

  const auto row = decode_session_row(std::string("\x01\x05\x2c\x28\x00\x3c\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x01" "c\x00\x00", 21));
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(row->next_sequence, 44u);
  EXPECT_EQ(row->expiry_s, 60u);
  EXPECT_EQ(row->queue, QueueLimits{});
  EXPECT_EQ(row->away_since_ns, 9);
  EXPECT_EQ(row->client_id, "c");
  EXPECT_EQ(decode_subscription_row(std::string("\x01\x01\x00", 3))->qos, 1);
}

TEST(SessionRecord, OneMessageHasManyReceivers) {
  const auto record = decoded(message_record({{.session = 3, .sequence = 1, .qos = 1},
                                              {.session = 400, .sequence = 70'000, .packet_id = 9, .qos = 2, .retain = true, .subscription_ids = {1, 300}}}));
  EXPECT_EQ(record.session, 7u);
  EXPECT_EQ(record.packet_id, 12);
  ASSERT_EQ(record.receivers.size(), 2u);
  EXPECT_EQ(record.receivers[0].sequence, 1u);
  EXPECT_EQ(record.receivers[1].packet_id, 9);
  EXPECT_TRUE(record.receivers[1].retain);
  EXPECT_EQ(record.receivers[1].subscription_ids, (std::vector<uint32_t>{1, 300}));
  expect_same(*record.message, *message());
  EXPECT_FALSE(decoded(message_record({})).message);
}

TEST(SessionRecord, NoPartOfARecordPassesForAWhole) {
  // A payload, a client identifier and a filter are the rest of their record: what is cut from them cannot be missed here, but the journal's checksum does.
  for (const std::string& whole : {message_record({{.session = 3, .sequence = 1, .qos = 1, .subscription_ids = {5}}}), will_record(a_will())}) {
    const size_t head = whole.size() - message()->payload.size();
    for (size_t size = 0; size < head; ++size) {
      EXPECT_FALSE(decode_session_record(whole.substr(0, size))) << size;
    }
  }
  EXPECT_EQ(decode_session_record("\x04\x01").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(decode_session_record(encode_ended(1) + "x").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_session_record(std::string("\x01\x63\x01", 3)).error().code, ErrorCode::kCorrupt);
  // A count of receivers that memory could not hold.
  EXPECT_FALSE(decode_session_record(std::string("\x01\x07\x00\x00\x00", 5) + std::string(9, '\xFF') + "\x01"));
}

TEST(SessionRows, ComeBack) {
  SessionRow row{.as_of = 1'000'000, .next_sequence = 44, .queue_first = 40, .unrecorded = {41, 43}, .expiry_s = 60,
                 .queue = {.bytes_max = 65'536, .messages_max = 5, .age_max_s = 4}, .away_since_ns = 5,
                 .client_id = "c", .received = {1, 65'535}, .in_flight = {{.sequence = 38, .packet_id = 7, .peer_received = true}, {.sequence = 39, .packet_id = 8}}};
  const auto read = decode_session_row(encode_session_row(row));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->as_of, row.as_of);
  EXPECT_EQ(read->next_sequence, 44u);
  EXPECT_EQ(read->queue_first, 40u);
  EXPECT_EQ(read->unrecorded, row.unrecorded);
  EXPECT_EQ(read->queue, row.queue);
  EXPECT_EQ(read->received, row.received);
  ASSERT_EQ(read->in_flight.size(), 2u);
  EXPECT_TRUE(read->in_flight[0].peer_received);
  EXPECT_EQ(read->in_flight[1].packet_id, 8);
  EXPECT_FALSE(read->will);

  const auto kept = decode_message_row(encode_message_row(message(), 2, true, {9}));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->qos, 2);
  EXPECT_EQ(kept->subscription_ids, std::vector<uint32_t>{9});
  expect_same(*kept->message, *message());
  EXPECT_FALSE(decode_message_row(encode_message_row(message(), 0, true, {})));
  EXPECT_EQ(*decode_subscription_row(encode_subscription_row({.qos = 1, .identifier = 4})), (SubscriptionOptions{.qos = 1, .identifier = 4}));
}

TEST(SessionRows, KeysSortByNumberAndSequence) {
  EXPECT_LT(message_key(1, 255), message_key(1, 256));
  EXPECT_LT(message_key(1, UINT64_MAX), message_key(2, 0));
  EXPECT_LT(message_key(255, 0), message_key(256, 0));
  EXPECT_LT(message_key(UINT64_MAX, UINT64_MAX), end_key(SessionRowKind::kMessage));
  EXPECT_LT(subscription_key(4, "zzz"), first_key(SessionRowKind::kSubscription, 5));
  const std::string key = message_key(77, 1234);
  EXPECT_EQ(parse_key(key)->session, 77u);
  EXPECT_EQ(parse_key(key)->sequence(), 1234u);
  EXPECT_EQ(parse_key(subscription_key(3, "a/b"))->rest, "a/b");
  EXPECT_FALSE(parse_key("Sm"));
}

}  // namespace
}  // namespace campanile::broker
