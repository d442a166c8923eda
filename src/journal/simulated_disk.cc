#include "journal/simulated_disk.h"

#include <algorithm>
#include <system_error>

#include "base/check.h"

namespace campanile::journal {

struct SimulatedDisk::Inode {
  struct Change {
    bool is_resize = false;
    uint64_t offset = 0;  // of a write; the new size of a resize
    std::string bytes;

    void apply_to(std::string& content) const {
      if (is_resize) {
        content.resize(offset);
        return;
      }
      content.resize(std::max<size_t>(content.size(), offset + bytes.size()));
      std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<ptrdiff_t>(offset));
    }
  };

  std::string now;               // what a reader sees
  std::string durable;           // what survives
  std::vector<Change> unsynced;  // on the way from one to the other

  void change(Change change) {
    change.apply_to(now);
    unsynced.push_back(std::move(change));
  }

  void sync() {
    for (const Change& change : unsynced) change.apply_to(durable);
    unsynced.clear();
  }

  // What is on the disk if the power goes: each change whole, in part, as garbage, or not at all.
  std::string after_power_cut(Random& random) const {
    std::string content = durable;
    for (const Change& change : unsynced) {
      Change survived = change;
      if (!survived.is_resize) survived.bytes = survived.bytes.substr(0, random.below(survived.bytes.size() + 1));
      switch (random.below(5)) {
        case 0: break;
        case 1: change.apply_to(content); break;
        case 2: survived.apply_to(content); break;
        case 3:  // the end without the beginning
          survived = change;
          if (!survived.is_resize && !survived.bytes.empty()) {
            const uint64_t skipped = random.below(survived.bytes.size());
            survived.offset += skipped;
            survived.bytes.erase(0, skipped);
          }
          survived.apply_to(content);
          break;
        default:
          for (char& byte : survived.bytes) byte = static_cast<char>(random.next());
          survived.apply_to(content);
      }
    }
    return content;
  }
};

class SimulatedDisk::SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, std::shared_ptr<Inode> inode, std::string path)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)) {}

  Result<size_t> write_at(uint64_t offset, std::string_view bytes) override {
    std::lock_guard lock(disk_.mutex_);
    TRY(disk_.begin(Operation::kWrite, path_));
    size_t count = bytes.size();
    if (disk_.short_writes_ && count > 1) count = 1 + disk_.short_writes_->below(count);
    inode_->change({false, offset, std::string(bytes.substr(0, count))});
    return count;
  }

  Result<void> sync() override {
    std::lock_guard lock(disk_.mutex_);
    auto allowed = disk_.begin(Operation::kSync, path_);
    if (!allowed) {
      inode_->unsynced.clear();  // the kernel reports the loss once and forgets
      return allowed;
    }
    inode_->sync();
    return {};
  }

  Result<void> allocate(uint64_t bytes) override {
    std::lock_guard lock(disk_.mutex_);
    TRY(disk_.begin(Operation::kAllocate, path_));
    inode_->change({true, std::max<uint64_t>(bytes, inode_->now.size()), {}});
    return {};
  }

  Result<void> truncate(uint64_t bytes) override {
    std::lock_guard lock(disk_.mutex_);
    TRY(disk_.begin(Operation::kTruncate, path_));
    inode_->change({true, bytes, {}});
    return {};
  }

  Result<std::string> read(uint64_t offset, uint64_t bytes_max) override {
    std::lock_guard lock(disk_.mutex_);
    return inode_->now.substr(std::min<uint64_t>(offset, inode_->now.size()), bytes_max);
  }

 private:
  SimulatedDisk& disk_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
};

SimulatedDisk::SimulatedDisk() = default;
SimulatedDisk::~SimulatedDisk() = default;

void SimulatedDisk::fail(Operation operation, int error_number, uint64_t after, uint64_t times) {
  std::lock_guard lock(mutex_);
  faults_[static_cast<size_t>(operation)] = Fault{error_number, after, times};
}

void SimulatedDisk::heal() {
  std::lock_guard lock(mutex_);
  faults_ = {};
}

void SimulatedDisk::write_short(uint64_t seed) {
  std::lock_guard lock(mutex_);
  short_writes_.emplace(seed);
}

uint64_t SimulatedDisk::changes() const {
  std::lock_guard lock(mutex_);
  return changes_;
}

void SimulatedDisk::cut_power_at(uint64_t change, uint64_t seed, std::function<void()> meanwhile) {
  std::lock_guard lock(mutex_);
  cut_at_ = Cut{change, seed, std::move(meanwhile)};
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::cut_disk() {
  std::lock_guard lock(mutex_);
  return std::move(cut_disk_);
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::after_power_cut(Random& random) const {
  std::lock_guard lock(mutex_);
  return survivor(random);
}

std::string SimulatedDisk::durable_bytes(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  CHECK(found != names_.end());
  return found->second->durable;
}

void SimulatedDisk::overwrite(const std::string& path, std::string bytes) {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  CHECK(found != names_.end());
  found->second->now = found->second->durable = std::move(bytes);
  found->second->unsynced.clear();
}

std::vector<std::string> SimulatedDisk::paths() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) paths.push_back(path);
  return paths;
}

Result<void> SimulatedDisk::begin(Operation operation, const std::string& path) {
  if (operation != Operation::kOpen) {
    if (cut_at_ && cut_at_->change == changes_) {
      Random random(cut_at_->seed);
      cut_disk_ = survivor(random);
      if (cut_at_->meanwhile) cut_at_->meanwhile();
    }
    ++changes_;
  }
  auto& fault = faults_[static_cast<size_t>(operation)];
  if (!fault) return {};
  if (fault->after > 0) {
    --fault->after;
    return {};
  }
  const int error_number = fault->error_number;
  if (--fault->times == 0) fault.reset();
  return campanile::fail(ErrorCode::kIoError, "{}: {}", path, std::generic_category().message(error_number));
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::survivor(Random& random) const {
  const uint64_t names_kept = random.below(unsynced_names_.size() + 1);
  const Names& names = names_kept == 0 ? durable_names_ : unsynced_names_[names_kept - 1];
  auto disk = std::make_unique<SimulatedDisk>();
  for (const auto& [path, inode] : names) {
    auto copy = std::make_shared<Inode>();
    copy->now = copy->durable = inode->after_power_cut(random);
    disk->names_[path] = std::move(copy);
  }
  disk->durable_names_ = disk->names_;
  return disk;
}

Result<std::unique_ptr<File>> SimulatedDisk::create(const std::filesystem::path& path) {
  std::lock_guard lock(mutex_);
  TRY(begin(Operation::kCreate, path.string()));
  auto inode = std::make_shared<Inode>();
  names_[path.string()] = inode;
  unsynced_names_.push_back(names_);
  return std::make_unique<SimulatedFile>(*this, std::move(inode), path.string());
}

Result<std::unique_ptr<File>> SimulatedDisk::open(const std::filesystem::path& path) {
  std::lock_guard lock(mutex_);
  TRY(begin(Operation::kOpen, path.string()));
  const auto found = names_.find(path.string());
  if (found == names_.end()) return campanile::fail(ErrorCode::kIoError, "opening {}: no such file", path.string());
  return std::make_unique<SimulatedFile>(*this, found->second, path.string());
}

Result<void> SimulatedDisk::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::lock_guard lock(mutex_);
  TRY(begin(Operation::kRename, to.string()));
  auto node = names_.extract(from.string());
  if (node.empty()) return campanile::fail(ErrorCode::kIoError, "renaming {}: no such file", from.string());
  names_[to.string()] = std::move(node.mapped());
  unsynced_names_.push_back(names_);
  return {};
}

Result<void> SimulatedDisk::remove(const std::filesystem::path& path) {
  std::lock_guard lock(mutex_);
  TRY(begin(Operation::kRemove, path.string()));
  if (names_.erase(path.string()) > 0) unsynced_names_.push_back(names_);
  return {};
}

Result<void> SimulatedDisk::sync_directory(const std::filesystem::path& directory) {
  std::lock_guard lock(mutex_);
  TRY(begin(Operation::kSyncDirectory, directory.string()));
  durable_names_ = names_;
  unsynced_names_.clear();
  return {};
}

Result<void> SimulatedDisk::create_directories(const std::filesystem::path&) { return {}; }

Result<std::vector<std::string>> SimulatedDisk::list(const std::filesystem::path& directory) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [path, inode] : names_) {
    const std::filesystem::path as_path(path);
    if (as_path.parent_path() == directory) names.push_back(as_path.filename().string());
  }
  return names;
}

}  // namespace campanile::journal
