#include "api/answers.h"

#include <boost/json/serialize.hpp>

#include "base/text.h"

namespace campanile::api {

net::HttpResponse json_answer(int status, const boost::json::value& body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = boost::json::serialize(body) + "\n"};
}

net::HttpResponse error_answer(const Error& error) {
  auto answer = json_answer(http_status(error.code), {{"error", error.message}});
  if (error.code == ErrorCode::kUnauthenticated) {
    answer.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Campanile\"");
  }
  if (error.code == ErrorCode::kOverloaded) answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kAlreadyExists: return 409;
    case ErrorCode::kTypeConflict: return 400;
    case ErrorCode::kTooLarge: return 413;
    case ErrorCode::kOverloaded: return 503;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kUnauthenticated: return 401;
    case ErrorCode::kUnsupported: return 501;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kCancelled: return 499;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kIoError: return 500;
    case ErrorCode::kCorrupt: return 500;
  }
  return 500;
}

boost::json::value json_value(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat: return value.as_float();
    case FieldType::kInteger: return value.as_integer();
    case FieldType::kUnsigned: return value.as_unsigned();
    case FieldType::kBoolean: return value.as_boolean();
    case FieldType::kString: return boost::json::string(value.as_string());
  }
  return nullptr;
}

Result<int64_t> integer_parameter(const net::HttpRequest& request, std::string_view name, int64_t fallback, int64_t low,
                                  int64_t high) {
  const auto text = request.parameter(name);
  if (!text) return fallback;
  const auto value = parse_int64(*text);
  if (!value || *value < low || *value > high) {
    return fail(ErrorCode::kInvalidArgument, "parameter {} is '{}'; a whole number from {} to {} is wanted", name,
                excerpt(*text), low, high);
  }
  return *value;
}

}  // namespace campanile::api
