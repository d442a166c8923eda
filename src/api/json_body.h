// JSON bodies of requests: an object, and its members that are texts.
//
//   const boost::json::object asked = TRY(json_object(request.body, kBodyBytesMax, kForm));
//   const std::string name = TRY(text_member(asked, "name", kForm));
//
// Pure. Errors: kTooLarge, kInvalidArgument telling what was found and what is wanted; `form`, where it is not empty, is shown as an example.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.h"

namespace campanile::api {

Result<boost::json::object> json_object(std::string_view body, size_t bytes_max, std::string_view form = {});
Result<std::string> text_member(const boost::json::object& object, std::string_view name, std::string_view form = {});

}  // namespace campanile::api
