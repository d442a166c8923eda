#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace campanile {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::kInvalidArgument, "{} is odd; an even number is wanted", value);
  return value / 2;
}

Result<int> quarter(int value) { return TRY(half(TRY(half(value)))); }

Result<void> check_even(int value) {
  TRY(half(value));
  return {};
}

TEST(Result, TryUnwraps) { EXPECT_EQ(quarter(12).value(), 3); }

TEST(Result, TryReturnsTheFirstError) {
  const auto result = quarter(6);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "3 is odd; an even number is wanted");
  EXPECT_FALSE(check_even(1));
  EXPECT_TRUE(check_even(2));
}

TEST(Result, TryMovesOutWhatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto use = [&]() -> Result<int> {
    const std::unique_ptr<int> owned = TRY(make());
    return *owned;
  };
  EXPECT_EQ(use().value(), 7);
}

TEST(Result, ContextStandsInFront) {
  const Result<int> failed = half(1);
  const Result<int> wrapped = with_context(failed.error(), "reading the configuration");
  EXPECT_EQ(wrapped.error().message, "reading the configuration: 1 is odd; an even number is wanted");
  EXPECT_EQ(wrapped.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace campanile
