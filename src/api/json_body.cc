#include "api/json_body.h"

#include <boost/json/parse.hpp>

#include "base/text.h"

namespace campanile::api {
namespace {

std::string example(std::string_view form) { return form.empty() ? std::string() : fmt::format("; wanted is {}", form); }

}  // namespace

Result<boost::json::object> json_object(std::string_view body, size_t bytes_max, std::string_view form) {
  if (body.size() > bytes_max) return fail(ErrorCode::kTooLarge, "the body has {} bytes, the limit is {}", body.size(), bytes_max);
  boost::system::error_code error;
  const auto value = boost::json::parse(boost::json::string_view(body.data(), body.size()), error);
  if (error || !value.is_object()) return fail(ErrorCode::kInvalidArgument, "the body '{}' is no JSON object{}", excerpt(body), example(form));
  return value.get_object();
}

Result<std::string> text_member(const boost::json::object& object, std::string_view name, std::string_view form) {
  const auto* const found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) return fail(ErrorCode::kInvalidArgument, "member {}: a text is wanted{}", name, example(form));
  return std::string(found->get_string());
}

}  // namespace campanile::api
