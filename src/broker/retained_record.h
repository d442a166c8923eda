// How a retained message is written to the journal (RecordType::kRetained) and to the key-value store (key 'R', topic).
//
//   offset  bytes  what (integers little-endian)
//   0       1      version, 1
//   1       1      bits 0-1 QoS; bit 2: the topic is cleared (nothing but the topic follows the head)
//   2       8      when it was published, ns since 1970, signed
//   10      8      when it expires, ns since 1970; 0: never
//   18      2      T, bytes of the topic
//   20      4      P, bytes of the properties
//   24      T      topic
//   24+T    P      MQTT 5 properties that travel with the message, as on the wire, without their length
//   24+T+P  rest   payload
//
// Both stores check their bytes themselves. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/message.h"

namespace campanile::broker {

// Everything but the payload, which the journal takes as a second part.
std::string encode_retained_head(const Message& message);
std::string encode_retained_clear(std::string_view topic);

struct RetainedRecord {
  std::string topic;
  MessagePtr message;  // null: cleared
};
// Errors: kCorrupt, kUnsupported (a later version).
Result<RetainedRecord> decode_retained(std::string_view bytes);

}  // namespace campanile::broker
