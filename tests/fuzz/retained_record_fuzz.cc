// Bytes as a retained message of the journal and of the store: refused or understood, and what is understood is written back the same.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "broker/retained_record.h"

using namespace campanile;
using namespace campanile::broker;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto record = decode_retained({reinterpret_cast<const char*>(data), size});
  if (!record) return 0;
  CHECK(!record->topic.empty());
  if (!record->message) {
    const auto again = decode_retained(encode_retained_clear(record->topic));
    CHECK(again && again->topic == record->topic && !again->message);
    return 0;
  }
  const Message& message = *record->message;
  CHECK(message.topic == record->topic && message.bytes() <= size && message.qos <= 2 && message.retain);
  const auto again = decode_retained(encode_retained_head(message) + message.payload);
  CHECK(again && again->message);
  const Message& same = *again->message;
  CHECK(same.topic == message.topic && same.payload == message.payload && same.properties == message.properties && same.qos == message.qos);
  CHECK(same.published_ns == message.published_ns && same.expires_ns == message.expires_ns);
  return 0;
}
