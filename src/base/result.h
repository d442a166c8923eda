// Result<T>: a value or an Error that says what went wrong, in words meant for the person who caused it.
//
//   Result<int> parse_port(std::string_view text);
//
//   Result<void> listen(std::string_view text) {
//     int port = TRY(parse_port(text));   // returns the error to the caller
//     ...
//     return {};
//   }
//
// Threads: values, no shared state. Errors: expected failures only; a broken invariant is a CHECK (base/check.h).
// A message names what was got, what was wanted and what to do; it becomes an HTTP status or an MQTT reason code
// only in api/ and broker/.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

namespace campanile {

enum class ErrorCode {
  kInvalidArgument,   // the input is malformed; sending it again will not help
  kNotFound,
  kAlreadyExists,
  kTypeConflict,      // a field already holds another type
  kTooLarge,          // a configured limit was passed; the message names it
  kOverloaded,        // a queue is full; the same request may succeed later
  kPermissionDenied,
  kUnauthenticated,
  kUnsupported,       // valid, but not something this program does
  kTimeout,
  kCancelled,         // the requester went away
  kUnavailable,       // stopping, or a peer is not there
  kIoError,           // disk or network
  kCorrupt,           // stored bytes do not match their checksum or format
};

// The code's stable lower-case name, for logs, metrics and API answers: "invalid_argument".
std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;
};

template <typename T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

// Makes the failing return value: return fail(ErrorCode::kNotFound, "database {} not found", name);
template <typename... Args>
std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// Passes an error on with the context of the caller in front: "opening /var/lib/campanile: permission denied".
inline std::unexpected<Error> with_context(Error error, std::string_view context) {
  error.message = fmt::format("{}: {}", context, error.message);
  return std::unexpected(std::move(error));
}

// The error carried to the caller as it is.
inline std::unexpected<Error> propagate(Error&& error) { return std::unexpected(std::move(error)); }

// The value by value, so that it outlives the statement expression of TRY. REQUIRES: result holds a value.
template <typename T>
T unwrap(std::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace campanile

// Unwraps a Result or returns its error. Not for coroutines: g++ 12 fails on co_await inside a statement expression.
#define TRY(expression) CAMPANILE_TRY_NAMED(expression, __COUNTER__)
#define CAMPANILE_TRY_NAMED(expression, number) CAMPANILE_TRY_WITH(expression, CAMPANILE_TRY_JOIN(try_result_, number))
#define CAMPANILE_TRY_JOIN(name, number) name##number
#define CAMPANILE_TRY_WITH(expression, result)                                       \
  ({                                                                                 \
    auto&& result = (expression);                                                    \
    if (!result) [[unlikely]] return ::campanile::propagate(std::move(result).error()); \
    ::campanile::unwrap(std::move(result));                                                    \
  })
