#include "app/client/line_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string_view>
#include <vector>

namespace campanile::app::client {
namespace {

class LineSourceTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(pipe_), 0); }
  void TearDown() override {
    ::close(pipe_[0]);
    if (pipe_[1] >= 0) ::close(pipe_[1]);
  }
  void write(std::string_view text) { ASSERT_EQ(::write(pipe_[1], text.data(), text.size()), static_cast<ssize_t>(text.size())); }
  void end() {
    ::close(pipe_[1]);
    pipe_[1] = -1;
  }
  // Takes lines until there are `count`, or the input has ended.
  static std::vector<std::string> take(LineSource& source, size_t count) {
    std::vector<std::string> out;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (out.size() < count && !source.ended() && std::chrono::steady_clock::now() < limit) {
      if (auto line = source.take()) {
        out.push_back(*std::move(line));
      } else {
        std::this_thread::yield();
      }
    }
    return out;
  }

  int pipe_[2] = {-1, -1};
};

TEST_F(LineSourceTest, GivesLinesAsTheyCome) {
  LineSource source(pipe_[0], 10, [] {});
  EXPECT_EQ(source.take(), std::nullopt);
  write("one\n\ntw");
  EXPECT_EQ(take(source, 2), (std::vector<std::string>{"one", ""}));
  EXPECT_FALSE(source.ended());
  write("o\nlast");
  end();
  EXPECT_EQ(take(source, 9), (std::vector<std::string>{"two", "last"}));
  EXPECT_TRUE(source.ended());
}

TEST_F(LineSourceTest, WaitsWhereNobodyTakes) {
  LineSource source(pipe_[0], 2, [] {});
  write("1\n2\n3\n4\n5\n");
  end();
  // One more than there are: take() comes back when the input has ended.
  EXPECT_EQ(take(source, 6), (std::vector<std::string>{"1", "2", "3", "4", "5"}));
  EXPECT_TRUE(source.ended());
}

TEST_F(LineSourceTest, StopsWhileThereIsMoreToRead) {
  LineSource full(pipe_[0], 1, [] {});
  write("1\n2\n3\n");
}

TEST_F(LineSourceTest, TellsOfTheEnd) {
  std::atomic<int> news = 0;
  {
    LineSource source(pipe_[0], 10, [&] { ++news; });
    end();
    EXPECT_TRUE(take(source, 1).empty());
  }  // joins the reader, so that its last word is in
  EXPECT_EQ(news, 1);
}

}  // namespace
}  // namespace campanile::app::client
