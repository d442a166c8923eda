"""kill -9 at random moments, with publishers of QoS 1 and 2 and a subscriber whose session persists: what was acknowledged is delivered, QoS 2 exactly once.
The seed is printed and can be given as CAMPANILE_SEED."""

import os
import random
import shutil
import tempfile
import threading
import time
import unittest

from harness import Campanile, main, wait_until
from raw_mqtt import CONNACK, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, Closed, RawClient, acknowledge, connect, publish, subscribe

ROUNDS = int(os.environ.get("CAMPANILE_KILL_ROUNDS", "4"))
WINDOW = 20
KEEPS_SESSION = 0x00  # no clean session
# Room for everything that a round can pile up for a subscriber that is away: the limits have tests of their own.
SETTINGS = ("mqtt.session_queue_messages_max=1000000", "mqtt.session_queue_bytes_max=256MiB")


class Participant:
    """A client that keeps its half of the session over the broker's deaths."""

    def __init__(self, client_id):
        self.client_id, self.port, self.thread, self.stopping, self.error = client_id, 0, None, False, None

    def start(self, port):
        self.port, self.stopping = port, False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self):
        self.stopping = True
        self.thread.join(60)
        if self.error:
            raise AssertionError(f"{self.client_id}: {self.error}")

    def _run(self):
        try:
            with RawClient(self.port, connect(4, self.client_id, flags=KEEPS_SESSION)) as client:
                self.session(client)
        except (Closed, OSError):
            pass
        except AssertionError as error:
            self.error = error


class Publisher(Participant):
    """Numbered messages. `acknowledged` has those that the broker answers for."""

    def __init__(self, qos):
        super().__init__(f"publisher-{qos}")
        self.qos, self.next, self.acknowledged = qos, 0, set()
        self.in_flight = {}  # packet identifier -> [number, whether PUBREC has come]

    def packet_of(self, packet_id, again):
        return publish(f"delivery/{self.qos}", str(self.in_flight[packet_id][0]).encode(), self.qos, packet_id, flags=8 if again else 0)

    def session(self, client):
        assert client.expect(CONNACK)[1] == 0
        # [MQTT-4.4.0-1]: what had no answer is sent again.
        for packet_id, (_, received) in self.in_flight.items():
            client.send(acknowledge(PUBREL, packet_id) if received else self.packet_of(packet_id, True))
        while not self.stopping or self.in_flight:
            while len(self.in_flight) < WINDOW and not self.stopping:
                packet_id = next(number for number in range(1, WINDOW + 1) if number not in self.in_flight)
                self.in_flight[packet_id] = [self.next, False]
                self.next += 1
                client.send(self.packet_of(packet_id, False))
            kind, _, body = client.packet()
            packet_id = int.from_bytes(body[:2], "big")
            if kind == PUBREC:
                self.in_flight[packet_id][1] = True
                client.send(acknowledge(PUBREL, packet_id))
            else:
                assert kind == (PUBACK if self.qos == 1 else PUBCOMP), kind
                self.acknowledged.add(self.in_flight.pop(packet_id)[0])


class Subscriber(Participant):
    """Everything on delivery/#, how often it came."""

    def __init__(self):
        super().__init__("subscriber")
        self.seen = {1: {}, 2: {}}
        self.received = set()  # packet identifiers of QoS 2 that are not released
        self.subscribed = False

    def session(self, client):
        answer = client.expect(CONNACK)
        assert answer[0] == (1 if self.subscribed else 0), f"session present is {answer[0]}"
        if not self.subscribed:
            client.send(subscribe("delivery/#", options=2))
            client.expect(SUBACK)
            self.subscribed = True
        client.socket.settimeout(0.1)
        while not self.stopping:
            try:
                kind, flags, body = client.packet()
            except TimeoutError:
                continue
            if kind == PUBLISH:
                self.take(client, flags >> 1 & 3, body)
            elif kind == PUBREL:
                self.received.discard(body)
                client.send(acknowledge(PUBCOMP, int.from_bytes(body, "big")))

    def take(self, client, qos, body):
        size = 2 + int.from_bytes(body[:2], "big")
        packet_id, number = body[size:size + 2], int(body[size + 2:])
        if qos == 1 or packet_id not in self.received:
            self.seen[qos][number] = self.seen[qos].get(number, 0) + 1
        if qos == 2:
            self.received.add(packet_id)
        client.send(acknowledge(PUBACK if qos == 1 else PUBREC, int.from_bytes(packet_id, "big")))


class KillDeliveryTest(unittest.TestCase):
    def test_what_was_acknowledged_is_delivered_and_qos_2_once(self):
        seed = int(os.environ.get("CAMPANILE_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
        print(f"seed {seed}")
        choose = random.Random(seed)
        data = tempfile.mkdtemp(prefix="campanile-kill-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        publishers, subscriber = [Publisher(1), Publisher(2)], Subscriber()
        for number in range(ROUNDS):
            campanile = self.start(data)
            subscriber.start(campanile.mqtt_port)
            wait_until(lambda: subscriber.subscribed, "the subscription")
            for publisher in publishers:
                publisher.start(campanile.mqtt_port)
            time.sleep(choose.uniform(0.05, 1.0))
            if number % 2 == 1:  # away while messages come
                subscriber.stop()
                time.sleep(choose.uniform(0.05, 0.3))
            campanile.kill()
            for participant in (*publishers, subscriber):
                participant.stop()
        campanile = self.start(data)
        for publisher in publishers:
            publisher.start(campanile.mqtt_port)
            publisher.stop()  # with everything acknowledged
        subscriber.start(campanile.mqtt_port)
        for publisher in publishers:
            seen = subscriber.seen[publisher.qos]
            wait_until(lambda: publisher.acknowledged <= seen.keys(), f"acknowledged messages of QoS {publisher.qos}",
                       lambda: f"{len(publisher.acknowledged - seen.keys())} missing, such as {sorted(publisher.acknowledged - seen.keys())[:5]}")
        time.sleep(0.2)  # for what must not come
        subscriber.stop()
        campanile.stop()
        self.assertEqual([], [number for number, times in subscriber.seen[2].items() if times > 1], "QoS 2 delivered twice")
        print("acknowledged and delivered:", {publisher.qos: len(publisher.acknowledged) for publisher in publishers},
              "QoS 1 twice:", sum(times > 1 for times in subscriber.seen[1].values()))

    @staticmethod
    def start(data):
        return Campanile(*(part for setting in SETTINGS for part in ("--set", setting)), data=data).start()


if __name__ == "__main__":
    main()
