#include "api/payload_json.h"

#include "base/text.h"

namespace campanile::api {
namespace {

// Without the bytes of a character that was cut in two.
std::string_view without_half_character(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<uint8_t>(text[text.size() - back]);
    if (byte < 0x80) break;
    if (byte < 0xC0) continue;
    if (byte > 0xF4) break;  // begins no character
    const size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    if (length > back) text.remove_suffix(back);
    break;
  }
  return text;
}

}  // namespace

void add_payload(boost::json::object& object, std::string_view payload, size_t payload_bytes, size_t bytes_max) {
  std::string_view shown = payload.substr(0, bytes_max);
  if (shown.size() < payload_bytes && is_valid_utf8(without_half_character(shown))) shown = without_half_character(shown);
  const bool is_text = is_valid_utf8(shown);
  object["payload"] = is_text ? std::string(shown) : base64_encode(shown);
  object["encoding"] = is_text ? "utf-8" : "base64";
  object["payload_bytes"] = payload_bytes;
}

}  // namespace campanile::api
