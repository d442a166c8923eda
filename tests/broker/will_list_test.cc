#include "broker/will_list.h"

#include <gtest/gtest.h>

#include "broker/session_record.h"
#include "broker/session_rows.h"
#include "fakes.h"
#include "kv/faulty_store.h"

namespace campanile::broker {
namespace {

WillPtr will(uint64_t number, std::string payload = "bye") {
  return std::make_shared<const Will>(Will{.message = std::make_shared<const Message>(Message{.topic = "gone", .payload = std::move(payload)}),
                                           .client_id = "c", .number = number});
}

class WillListTest : public testing::Test {
 protected:
  WillListTest() { wills.attach(journal); }
  size_t rows() const {
    size_t count = 0;
    const auto found = store.iterate("Sw", "Sx");
    for (found->seek("Sw"); found->valid(); found->next()) ++count;
    return count;
  }
  FakeJournal journal;
  kv::FaultyStore store;
  WillList wills;
};

TEST_F(WillListTest, AChangeAndTheCallersRecordsAreOneUnit) {
  ASSERT_TRUE(wills.append({}, {.left = will(1)}));
  const journal::NewRecord record{.type = journal::RecordType::kPoints, .head = "points"};
  const auto lsn = wills.append({&record, 1}, {.gone = 1, .left = will(2)});
  ASSERT_TRUE(lsn);
  ASSERT_EQ(journal.records.size(), 4u);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(journal.lsns[i], *lsn);
  EXPECT_EQ(decode_session_record(journal.records[3].second)->event, SessionEvent::kWillGone);
  EXPECT_FALSE(wills.find(1));
  EXPECT_EQ(wills.find(2)->number, 2u);
  EXPECT_FALSE(wills.find(0));
  EXPECT_EQ(wills.bytes(), WillList::cost(*will(2)));
}

TEST_F(WillListTest, WithoutAChangeItIsTheCallersRecordsAlone) {
  EXPECT_EQ(*wills.append({}, {}), 0u);
  EXPECT_EQ(*wills.append({}, {.gone = 7}), 0u) << "which is not there";
  const journal::NewRecord record{.type = journal::RecordType::kPoints, .head = "points"};
  ASSERT_TRUE(wills.append({&record, 1}, {}));
  EXPECT_EQ(journal.records.size(), 1u);
}

TEST_F(WillListTest, NothingChangesWhereTheJournalRefuses) {
  ASSERT_TRUE(wills.append({}, {.left = will(1)}));
  journal.append_error = Error{ErrorCode::kIoError, "no space left on device"};
  EXPECT_FALSE(wills.append({}, {.gone = 1, .left = will(2)}));
  EXPECT_EQ(wills.numbers(), std::vector<uint64_t>{1});
  wills.keep(will(3));
  wills.keep(will(4));
  wills.forget(1);
  wills.settle();
  EXPECT_EQ(wills.numbers(), (std::vector<uint64_t>{1, 3, 4}));
  journal.append_error.reset();
  ASSERT_TRUE(wills.append({}, {.gone = 3}));
  EXPECT_EQ(journal.records.size(), 1u) << "the journal never knew it";
  wills.settle();
  EXPECT_EQ(wills.numbers(), std::vector<uint64_t>{4});
  ASSERT_EQ(journal.records.size(), 3u);
  EXPECT_EQ(decode_session_record(journal.records[1].second)->event, SessionEvent::kWillGone);
  EXPECT_EQ(decode_session_record(journal.records[2].second)->will->number, 4u) << "known from now on";
  ASSERT_TRUE(wills.append({}, {.gone = 4}));
  EXPECT_EQ(journal.records.size(), 4u);
  EXPECT_EQ(wills.bytes(), 0u);
}

TEST_F(WillListTest, RowsFollowAtACheckpoint) {
  ASSERT_TRUE(wills.append({}, {.left = will(1, "one")}));
  ASSERT_TRUE(wills.append({}, {.left = will(2)}));
  ASSERT_TRUE(wills.append({}, {.gone = 2}));
  wills.keep(will(3));
  ASSERT_TRUE(wills.checkpoint(store));
  EXPECT_EQ(rows(), 1u);
  EXPECT_EQ((*decode_will_row(1, *store.get(will_key(1)).value()))->message->payload, "one");
  ASSERT_TRUE(wills.append({}, {.gone = 1}));
  store.fail_writes({ErrorCode::kIoError, "no space left on device"}, 0, 1);
  EXPECT_FALSE(wills.checkpoint(store));
  store.heal();
  EXPECT_EQ(rows(), 1u);
  ASSERT_TRUE(wills.checkpoint(store)) << "what could not be written is written by the next";
  EXPECT_EQ(rows(), 0u);
}

TEST_F(WillListTest, OfTheLastRunItIsTheRowsThatMayBeThere) {
  wills.restore({will(4), will(5)});
  EXPECT_EQ(wills.numbers(), (std::vector<uint64_t>{4, 5}));
  ASSERT_TRUE(wills.append({}, {.gone = 5}));
  EXPECT_EQ(decode_session_record(journal.records[0].second)->session, 5u);
  kv::WriteBatch batch;
  batch.put(will_key(5), encode_will_row(*will(5)));
  ASSERT_TRUE(store.write(batch, kv::Durability::kBuffered));
  ASSERT_TRUE(wills.checkpoint(store));
  EXPECT_TRUE(store.get(will_key(4)).value());
  EXPECT_FALSE(store.get(will_key(5)).value());
}

}  // namespace
}  // namespace campanile::broker
