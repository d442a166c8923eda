// Answers: the JSON bodies and statuses that Campanile's own resources share. Here an Error becomes an HTTP status.
//
//   responder.respond(json_answer(200, {{"total", 3}}));
//   responder.respond(error_answer(result.error()));
//
// Threads: pure functions.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"
#include "model/field_value.h"
#include "net/http_server.h"

namespace campanile::api {

net::HttpResponse json_answer(int status, const boost::json::value& body);
// {"error": "..."} with the status that fits the code.
net::HttpResponse error_answer(const Error& error);
int http_status(ErrorCode code);

// A field's value as JSON: numbers, true/false, strings. Not-a-number cannot be stored, so it cannot come here.
boost::json::value json_value(const FieldValue& value);

// Milliseconds since 1970, which is what the page counts in.
inline int64_t to_ms(int64_t time_ns) { return time_ns >= 0 ? time_ns / 1'000'000 : (time_ns - 999'999) / 1'000'000; }

// The named query parameter as a whole number in [low, high], or `fallback` where it is absent.
// Errors: kInvalidArgument naming the parameter, what it was and what it may be.
Result<int64_t> integer_parameter(const net::HttpRequest& request, std::string_view name, int64_t fallback, int64_t low, int64_t high);

}  // namespace campanile::api
