// RunningData: a data directory with a real store and a real journal, as a server has them open, and what can be asked of both.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "../journal/temporary_directory.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::backup {

class RunningData {
 public:
  explicit RunningData(const std::filesystem::path& path) : path_(path) {
    std::filesystem::create_directories(path);
    auto opened_store = kv::open_rocksdb(path / "store", {});
    EXPECT_TRUE(opened_store) << opened_store.error().message;
    store_ = std::move(*opened_store);
    const auto replay = [this](const journal::Record& record) -> Result<void> {
      replayed_.push_back(std::to_string(static_cast<int>(record.type)) + ":" + std::string(record.payload));
      return {};
    };
    auto opened = journal::Journal::open(path / "journal", {.segment_bytes = 64 << 10}, replay);
    EXPECT_TRUE(opened) << opened.error().message;
    journal_ = std::move(*opened);
  }

  void put(std::string_view key, std::string_view value) {
    kv::WriteBatch batch;
    batch.put(key, value);
    EXPECT_TRUE(store_->write(batch, kv::Durability::kBuffered));
  }
  std::string get(std::string_view key) {
    const auto value = store_->get(key);
    EXPECT_TRUE(value);
    return value->value_or("(nothing)");
  }
  void append(journal::RecordType type, std::string_view payload) { EXPECT_TRUE(journal_->append(type, payload)); }

  const std::filesystem::path& path() const { return path_; }
  kv::Store& store() { return *store_; }
  journal::Journal& journal() { return *journal_; }
  // "2:payload": what the journal held when it was opened.
  const std::vector<std::string>& replayed() const { return replayed_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<kv::Store> store_;
  std::vector<std::string> replayed_;
  std::unique_ptr<journal::Journal> journal_;
};

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace campanile::backup
