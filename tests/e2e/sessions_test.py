"""Sessions with clients that nobody here wrote: kill -9 loses nothing that was acknowledged and doubles nothing of QoS 2; queues go to
disk; a slow consumer slows nobody. The seed is printed and can be given as CAMPANILE_SEED."""

import collections
import os
import random
import re
import tempfile
import threading
import time
import unittest

import paho.mqtt.client as mqtt

from harness import Campanile, main, run, wait_until

ROUNDS = int(os.environ.get("CAMPANILE_KILL_ROUNDS", "4"))


def restart_killed(campanile):
    campanile.kill()
    campanile.start()


def resident_bytes(campanile):
    with open(f"/proc/{campanile.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


def metric(campanile, name):
    _, _, text = campanile.request("GET", "/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + " ") or line.startswith(name + "{"))


class Kept:
    """A paho client with a session that stays, and which stays itself: it goes on where it was when the server comes back."""

    def __init__(self, client_id, on_message=None):
        self.client = mqtt.Client(client_id=client_id, clean_session=False, protocol=mqtt.MQTTv311)
        self.client.max_queued_messages_set(0)
        self.client.max_inflight_messages_set(200)
        self.client.reconnect_delay_set(1, 1)
        self.connected = threading.Event()
        self.present = None
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = lambda *unused: self.connected.clear()
        self.client.on_message = on_message

    def on_connect(self, unused_client, unused_data, flags, code):
        self.present = flags["session present"]
        if code == 0:
            self.connected.set()

    def connect(self, campanile):
        self.connected.clear()
        self.client.connect("127.0.0.1", campanile.mqtt_port, 60)
        self.client.loop_start()
        wait_until(self.connected.is_set, "CONNACK")

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def subscribe(client, topic, qos):
    done = threading.Event()
    client.client.on_subscribe = lambda *unused: done.set()
    client.client.subscribe(topic, qos)
    wait_until(done.is_set, "SUBACK")


class SessionsTest(unittest.TestCase):
    def test_a_queue_survives_kill(self):
        with Campanile() as campanile:
            away = Kept("away")
            away.connect(campanile)
            subscribe(away, "q/#", 1)
            away.leave()
            for i in range(20):
                campanile.publish(f"q/{i}", str(i), qos=i % 2 + 1)
            for _ in range(2):
                restart_killed(campanile)
            got = []
            back = Kept("away", lambda unused_client, unused_data, message: got.append(message.payload.decode()))
            back.connect(campanile)
            self.assertTrue(back.present)
            wait_until(lambda: len(got) >= 20, "20 messages", lambda: got)
            self.assertEqual(got, [str(i) for i in range(20)])
            back.leave()

    def test_mosquittos_client_finds_its_session(self):
        with Campanile() as campanile:
            session = ["-h", "127.0.0.1", "-i", "mosq", "-c", "-q", "2", "-t", "m/+"]
            run(["mosquitto_sub", "-p", str(campanile.mqtt_port), *session, "-E"])
            for i in range(3):
                campanile.publish(f"m/{i}", f"message {i}", qos=2)
            restart_killed(campanile)
            done = run(["mosquitto_sub", "-p", str(campanile.mqtt_port), *session, "-C", "3", "-W", "20"])
            self.assertEqual(done.stdout.split("\n")[:3], ["message 0", "message 1", "message 2"])

    def test_exactly_once_through_kills(self):
        seed = int(os.environ.get("CAMPANILE_SEED", random.randrange(1 << 30)))
        print(f"CAMPANILE_SEED={seed}", flush=True)
        dice = random.Random(seed)
        with Campanile() as campanile:
            got = {1: collections.Counter(), 2: collections.Counter()}

            def on_message(unused_client, unused_data, message):
                got[int(message.topic[-1])][message.payload.decode()] += 1

            subscriber = Kept("subscriber", on_message)
            subscriber.connect(campanile)
            subscribe(subscriber, "exact/+", 2)
            publisher = Kept("publisher")
            publisher.connect(campanile)
            number = 0
            for kill in range(ROUNDS + 1):
                until = time.monotonic() + dice.uniform(0.3, 1.2)
                while time.monotonic() < until:
                    for _ in range(10):
                        publisher.client.publish(f"exact/{number % 2 + 1}", str(number), number % 2 + 1)
                        number += 1
                    time.sleep(0.002)
                if kill == ROUNDS:
                    break
                port = campanile.mqtt_port
                campanile.kill()
                # The clients go on by themselves, as in the field: at the same address.
                campanile.arguments[campanile.arguments.index("--mqtt") + 1] = f"127.0.0.1:{port}"
                campanile.start()
                for one in (publisher, subscriber):
                    wait_until(one.connected.is_set, "the client to be back")
                    self.assertTrue(one.present, "its session is gone")
            expected = {qos: {str(i) for i in range(number) if i % 2 + 1 == qos} for qos in (1, 2)}
            wait_until(lambda: all(set(got[qos]) >= expected[qos] for qos in (1, 2)), "everything to arrive",
                       lambda: {qos: (len(got[qos]), len(expected[qos])) for qos in (1, 2)}, limit_s=90)
            time.sleep(0.5)  # for what would come too often
            doubled = [text for text, count in got[2].items() if count > 1]
            self.assertEqual(doubled, [], "QoS 2 messages that came more than once")
            self.assertEqual(set(got[2]), expected[2])
            publisher.leave()
            subscriber.leave()

    def test_a_long_queue_waits_on_disk(self):
        config = "mqtt:\n  queue_memory_bytes_max: 4MiB\n  session_queue_messages_max: 200000\n  session_queue_bytes_max: 512MiB\n"
        count = 100_000
        with Campanile(config=config) as campanile:
            away = Kept("hoarder")
            away.connect(campanile)
            subscribe(away, "spill", 1)
            away.leave()
            publisher = Kept("publisher")
            publisher.connect(campanile)
            before = resident_bytes(campanile)
            last = None
            for i in range(count):
                last = publisher.client.publish("spill", f"{i} ".ljust(2000, "x"), 1)
                if i % 2000 == 1999:
                    last.wait_for_publish(60)
            last.wait_for_publish(60)
            publisher.leave()
            wait_until(lambda: metric(campanile, "campanile_broker_queued_memory_bytes") < 4 << 20, "the queue to be on disk",
                       lambda: metric(campanile, "campanile_broker_queued_memory_bytes"))
            self.assertEqual(metric(campanile, "campanile_broker_queued_messages"), count)
            grown = resident_bytes(campanile) - before
            print(f"{count} messages, {count * 2000 >> 20} MiB queued; resident memory grew by {grown >> 20} MiB", flush=True)
            # The store has 64 MiB of write buffers, the journal what is not yet synced: not the queue.
            self.assertLess(grown, 128 << 20)
            restart_killed(campanile)
            got = []
            back = Kept("hoarder", lambda unused_client, unused_data, message: got.append(int(message.payload.split()[0])))
            back.connect(campanile)
            wait_until(lambda: len(got) >= count, f"{count} messages", lambda: len(got), limit_s=200)
            back.leave()
            self.assertEqual(list(dict.fromkeys(got)), list(range(count)))
            wait_until(lambda: metric(campanile, "campanile_broker_queued_messages") == 0, "an empty queue")

    def test_a_slow_consumer_slows_nobody(self):
        with Campanile(config="mqtt:\n  queue_memory_bytes_max: 1MiB\n") as campanile:
            stuck = Kept("stuck")
            stuck.connect(campanile)
            subscribe(stuck, "s", 1)
            stuck.client.loop_stop()  # connected, reads nothing, acknowledges nothing
            got = []
            fast = Kept("fast", lambda unused_client, unused_data, message: got.append(message.payload))
            fast.connect(campanile)
            subscribe(fast, "s", 1)
            publisher = Kept("publisher")
            publisher.connect(campanile)
            count = 20_000
            last = None
            for i in range(count):
                last = publisher.client.publish("s", f"{i} ".ljust(1000, "x"), 1)
                if i % 1000 == 999:
                    last.wait_for_publish(60)
            wait_until(lambda: len(got) >= count, f"{count} messages for the fast one", lambda: len(got), limit_s=60)
            self.assertEqual(metric(campanile, "campanile_broker_messages_dropped_total"), 0)
            self.assertGreater(metric(campanile, "campanile_broker_queued_messages"), 1000)
            self.assertGreater(metric(campanile, "campanile_broker_in_flight_messages"), 0, "with the slow one")
            self.assertGreater(metric(campanile, "campanile_uptime_seconds"), 0)
            publisher.leave()
            fast.leave()


if __name__ == "__main__":
    main()
