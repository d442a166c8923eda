// JournalTest: a journal on a simulated disk, which the test can break, cut off and look at.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/log.h"
#include "journal/journal.h"
#include "journal/simulated_disk.h"

namespace campanile::journal {

using Operation = SimulatedDisk::Operation;
using namespace std::chrono_literals;

struct Replayed {
  std::vector<std::string> payloads;
  std::vector<Lsn> lsns;
  ReplayFunction function() {
    return [this](const Record& record) -> Result<void> {
      payloads.emplace_back(record.payload);
      lsns.push_back(record.lsn);
      return {};
    };
  }
};

inline Result<void> ignore(const Record&) { return {}; }

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::kOff);
    options.retry_ms = 1;
    options.segment_bytes = 1000;
  }

  std::unique_ptr<Journal> open(const ReplayFunction& replay = ignore) {
    auto journal = Journal::open(disk, "/journal", options, replay);
    EXPECT_TRUE(journal) << journal.error().message;
    return journal ? std::move(*journal) : nullptr;
  }

  Lsn append(Journal& journal, std::string_view payload) {
    const auto lsn = journal.append(RecordType::kPoints, payload);
    EXPECT_TRUE(lsn) << lsn.error().message;
    return lsn.value_or(0);
  }

  std::vector<std::string> segment_paths() const {
    auto paths = disk.paths();
    std::erase_if(paths, [](const std::string& path) { return !path.ends_with(".log"); });
    return paths;
  }

  // Appends until the journal can write again.
  Lsn append_when_healed(Journal& journal, std::string_view payload) {
    for (;;) {
      if (const auto lsn = journal.append(RecordType::kPoints, payload)) return *lsn;
      std::this_thread::yield();
    }
  }

  SimulatedDisk disk;
  JournalOptions options;
};

}  // namespace campanile::journal
