// Decoders of packet bodies, one a packet type, strict about everything the standard lets a receiver be strict about.
//
//   const Decoded<std::optional<Frame>> frame = next_frame(bytes, limits.packet_bytes_max);
//   if (frame && *frame && (*frame)->type == PacketType::kPublish) publish = decode_publish(**frame, version, limits);
//
// Violations carry the reason code to answer with: kMalformedPacket where the bytes cannot be read, kProtocolError where they
// can but must not be, and the more exact ones where the standard has them. Threads: pure functions. PUBLISH never allocates.
#pragma once

#include "mqtt/packets.h"
#include "mqtt/wire.h"

namespace campanile::mqtt {

// What a server reads.
Decoded<ConnectPacket> decode_connect(std::string_view body, const Limits& limits);
// Topic validity (wildcards, levels, [MQTT-3.3.2-2]) is checked here, an empty topic is allowed where an alias stands for it.
Decoded<PublishPacket> decode_publish(const Frame& frame, ProtocolVersion version, const Limits& limits);
Decoded<AckPacket> decode_ack(const Frame& frame, ProtocolVersion version);
// Filters are valid strings; whether their wildcards are well placed is for topic.h, since a bad one is answered, not fatal.
Decoded<SubscribePacket> decode_subscribe(std::string_view body, ProtocolVersion version, const Limits& limits);
Decoded<UnsubscribePacket> decode_unsubscribe(std::string_view body, ProtocolVersion version, const Limits& limits);
// DISCONNECT and AUTH of either side.
Decoded<DisconnectPacket> decode_disconnect(const Frame& frame, ProtocolVersion version);

// What a client reads besides.
Decoded<ConnackPacket> decode_connack(std::string_view body, ProtocolVersion version);
Decoded<ReasonsPacket> decode_suback(std::string_view body, ProtocolVersion version);
Decoded<ReasonsPacket> decode_unsuback(std::string_view body, ProtocolVersion version);

}  // namespace campanile::mqtt
