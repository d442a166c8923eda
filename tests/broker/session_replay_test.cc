#include "broker/session_replay.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker/session_rows.h"

namespace campanile::broker {
namespace {

constexpr size_t kMemory = 10'000;
constexpr size_t kPayload = 500;

struct Replay {
  Replay() { EXPECT_TRUE(replay.read_rows()); }
  void apply(std::string_view record) {
    ASSERT_TRUE(replay.apply(record, ++lsn));
    // One batch more than allowed is what it takes to see that it is too much.
    most = std::max(most, replay.waiting_bytes());
  }
  void open(uint64_t session) { apply(encode_opened(session, 3600, QueueLimits{}, "c" + std::to_string(session))); }
  void message(const std::vector<std::pair<uint64_t, uint64_t>>& receivers) {
    std::vector<RecordedReceiver> recorded;
    for (const auto& [session, sequence] : receivers) recorded.push_back({.session = session, .sequence = sequence, .qos = 1});
    const std::string payload = std::to_string(receivers.front().second) + std::string(kPayload, '.');
    apply(encode_message_head(0, 0, recorded, {.topic = "t", .payload = payload, .qos = 1}) + payload);
  }

  std::unique_ptr<kv::Store> store = kv::make_memory_store();
  SessionReplay replay{*store, kMemory};
  journal::Lsn lsn = 0;
  size_t most = 0;
};

// The sequences that wait in the store and, after them, in memory; each with the payload that tells its own.
std::vector<uint64_t> waiting(const kv::Store& store, const SessionState& state) {
  std::vector<uint64_t> sequences;
  const auto expect_own = [](const Message& message, uint64_t sequence) { EXPECT_TRUE(message.payload.starts_with(std::to_string(sequence) + ".")) << sequence; };
  size_t rows = 0;
  for (uint64_t sequence = state.disk_first; sequence < state.disk_end; ++sequence) {
    const auto row = store.get(message_key(state.number, sequence)).value();
    if (!row || state.messages.contains(sequence)) continue;
    expect_own(*decode_message_row(*row)->message, sequence);
    sequences.push_back(sequence);
    ++rows;
  }
  EXPECT_EQ(rows, state.disk_messages);
  for (const auto& [sequence, kept] : state.messages) {
    if (kept.packet_id != 0) continue;
    expect_own(*kept.message, sequence);
    sequences.push_back(sequence);
  }
  return sequences;
}

std::vector<uint64_t> range(uint64_t first, uint64_t end) {
  std::vector<uint64_t> numbers;
  for (uint64_t number = first; number < end; ++number) numbers.push_back(number);
  return numbers;
}

TEST(SessionReplay, FarMoreThanItsMemoryGoesToTheStoreMeanwhile) {
  Replay bench;
  bench.open(1);
  bench.open(2);
  for (uint64_t i = 1; i <= 1'000; ++i) bench.message({{1, i}, {2, i}});
  EXPECT_LE(bench.most, kMemory);
  const auto states = bench.replay.finish().value();
  ASSERT_EQ(states.size(), 2u);
  for (const SessionState& state : states) {
    EXPECT_EQ(waiting(*bench.store, state), range(1, 1'001));
    EXPECT_EQ(state.next_sequence, 1'001u);
  }
}

TEST(SessionReplay, WhatBecomesOfSpilledMessagesIsApplied) {
  Replay bench;
  bench.open(1);
  bench.open(2);
  for (uint64_t i = 1; i <= 100; ++i) bench.message({{1, i}, {2, i}});
  for (uint64_t i = 1; i <= 10; ++i) bench.apply(encode_given(1, i, static_cast<uint16_t>(i)));
  for (uint64_t i = 1; i <= 5; ++i) bench.apply(encode_finished(1, i));
  bench.apply(encode_finished(1, 50));  // too old
  bench.apply(encode_ended(2));
  EXPECT_LE(bench.replay.waiting_bytes(), kMemory);
  const auto states = bench.replay.finish().value();
  ASSERT_EQ(states.size(), 1u);
  auto expected = range(11, 101);
  std::erase(expected, 50);
  EXPECT_EQ(waiting(*bench.store, states[0]), expected);
  for (uint64_t i = 6; i <= 10; ++i) {
    ASSERT_TRUE(states[0].messages.contains(i));
    EXPECT_EQ(states[0].messages.at(i).packet_id, i);
    EXPECT_TRUE(states[0].messages.at(i).message->payload.starts_with(std::to_string(i) + "."));
  }
  EXPECT_FALSE(bench.store->get(message_key(2, 1)).value()) << "a row of a session that has ended";
}

// Its row was written by a checkpoint that was cut off, or a replay: it does not come back because the rows around it count now.
TEST(SessionReplay, AFinishedMessageWhoseRowIsLeftDoesNotComeBack) {
  Replay bench;
  kv::WriteBatch batch;
  const auto left = std::make_shared<const Message>(Message{.topic = "t", .payload = "3.left"});
  for (const uint64_t sequence : {3, 150}) batch.put(message_key(1, sequence), encode_message_row(left, 1, false, {}));
  ASSERT_TRUE(bench.store->write(batch, kv::Durability::kBuffered));
  bench.open(1);
  for (uint64_t i = 1; i <= 3; ++i) bench.message({{1, i}});
  bench.apply(encode_finished(1, 3));
  for (uint64_t i = 4; i <= 100; ++i) bench.message({{1, i}});
  const auto states = bench.replay.finish().value();
  ASSERT_EQ(states.size(), 1u);
  auto expected = range(1, 101);
  std::erase(expected, 3);
  EXPECT_EQ(waiting(*bench.store, states[0]), expected);
  EXPECT_FALSE(bench.store->get(message_key(1, 150)).value());
}

// Threads append what they hand out in any order.
TEST(SessionReplay, AMessageWhoseRecordComesLateFindsItsPlace) {
  Replay bench;
  bench.open(1);
  for (uint64_t i = 2; i <= 100; ++i) bench.message({{1, i}});
  bench.message({{1, 1}});
  const auto states = bench.replay.finish().value();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(waiting(*bench.store, states[0]), range(1, 101));
}

std::vector<std::string> names(const std::vector<std::shared_ptr<const Will>>& wills) {
  std::vector<std::string> result;
  for (const auto& will : wills) result.push_back(will->client_id + "=" + will->message->payload);
  return result;
}

std::string left(uint64_t number, uint64_t session, std::string client_id, std::string payload, uint32_t delay_s = 0) {
  const Will will{.message = std::make_shared<const Message>(Message{.topic = "gone", .payload = payload, .qos = 1}), .delay_s = delay_s,
                  .client_id = std::move(client_id), .number = number, .session = session};
  return encode_will_left_head(will) + payload;
}

TEST(SessionReplay, WillsThatAreLeftAndNotGoneAreThere) {
  Replay bench;
  bench.apply(left(1, 0, "clean", "1"));
  bench.apply(left(2, 0, "polite", "2"));
  bench.open(3);
  bench.apply(left(4, 3, "c3", "4", 10));
  bench.apply(encode_will_gone(2));
  bench.open(5);
  bench.apply(left(6, 5, "c5", "6", 10));
  bench.apply(encode_ended(5));
  const auto states = bench.replay.finish().value();
  EXPECT_EQ(bench.replay.next_number(), 7u);
  ASSERT_EQ(states.size(), 1u);
  ASSERT_TRUE(states[0].will) << "it waits for its delay";
  EXPECT_EQ(states[0].will->number, 4u);
  EXPECT_EQ(names(bench.replay.take_wills()), (std::vector<std::string>{"clean=1", "c3=4", "c5=6"}));
}

TEST(SessionReplay, RowsOfWillsAreReadAndThoseThatAreGoneAreErased) {
  Replay bench;
  const Will kept{.message = std::make_shared<const Message>(Message{.topic = "gone", .payload = "kept"}), .client_id = "a", .number = 8};
  const Will gone{.message = std::make_shared<const Message>(Message{.topic = "gone", .payload = "gone"}), .client_id = "b", .number = 9};
  kv::WriteBatch batch;
  batch.put(will_key(8), encode_will_row(kept));
  batch.put(will_key(9), encode_will_row(gone));
  ASSERT_TRUE(bench.store->write(batch, kv::Durability::kBuffered));
  SessionReplay again(*bench.store, kMemory);
  ASSERT_TRUE(again.read_rows());
  ASSERT_TRUE(again.apply(encode_will_gone(9), 1));
  ASSERT_TRUE(again.finish());
  EXPECT_EQ(again.next_number(), 10u);
  EXPECT_EQ(names(again.take_wills()), std::vector<std::string>{"a=kept"});
  EXPECT_TRUE(bench.store->get(will_key(8)).value());
  EXPECT_FALSE(bench.store->get(will_key(9)).value());
}

// Before version 3 they were parts of their sessions.
TEST(SessionReplay, DelayedWillsOfVersion2HaveTheirSessionsNumber) {
  const std::string will("\x00\x1e\x00\x01" "\x01\x00\x00\x00\x00\x00\x00\x00" "\x00\x00\x00\x00\x00\x00\x00\x00" "\x04" "gone\x00" "bye", 29);
  const auto away = [&](char session) { return std::string("\x02\x02", 2) + session + std::string("\x64\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00", 12) + will; };
  Replay bench;
  for (uint64_t session = 1; session <= 5; ++session) {
    bench.open(session);
    bench.apply(away(static_cast<char>(session)));
  }
  bench.apply(std::string("\x02\x03\x02", 3));  // published
  bench.open(3);                                 // its client was back
  bench.apply(encode_ended(4));
  const auto states = bench.replay.finish().value();
  ASSERT_EQ(states.size(), 4u);
  ASSERT_TRUE(states[0].will);
  EXPECT_EQ(states[0].will->number, 1u);
  EXPECT_EQ(states[0].will->delay_s, 30u);
  EXPECT_FALSE(states[1].will);
  EXPECT_FALSE(states[2].will);
  EXPECT_TRUE(states[3].will);
  EXPECT_EQ(names(bench.replay.take_wills()), (std::vector<std::string>{"c1=bye", "c5=bye"}));
}

}  // namespace
}  // namespace campanile::broker
