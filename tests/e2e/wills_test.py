"""Wills of clients that were connected when the program was killed: published at the next start, each once, by its delay; with clients
that nobody here wrote."""

import collections
import threading
import unittest

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from harness import Campanile, main, run, wait_until

DELAY_S = 3


def metric(campanile, name):
    _, _, text = campanile.request("GET", "/metrics")
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + " "))


def properties(kind, **values):
    result = Properties(kind)
    for name, value in values.items():
        setattr(result, name, value)
    return result


class Device:
    """A paho client with a retained will on wills/<its name>; `delay` None: MQTT 3.1.1."""

    def __init__(self, campanile, name, clean, delay=None, will=True):
        v5 = delay is not None
        self.client = mqtt.Client(client_id=name, protocol=mqtt.MQTTv5) if v5 else mqtt.Client(client_id=name, clean_session=clean)
        if will:
            extra = {"properties": properties(PacketTypes.WILLMESSAGE, WillDelayInterval=delay)} if v5 else {}
            self.client.will_set(f"wills/{name}", "offline", qos=1, retain=True, **extra)
        self.connected = threading.Event()
        self.client.on_connect = lambda *unused: self.connected.set()
        if v5:
            expiry = properties(PacketTypes.CONNECT, SessionExpiryInterval=0 if clean else 3600)
            self.client.connect("127.0.0.1", campanile.mqtt_port, 60, clean_start=clean, properties=expiry)
        else:
            self.client.connect("127.0.0.1", campanile.mqtt_port, 60)
        self.client.loop_start()
        wait_until(self.connected.is_set, "CONNACK")

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def end(self):
        """Of a device whose server is no more: it must not come back by itself."""
        self.client.loop_stop()


class Watch:
    """A session that is kept, on wills/#: what comes is counted by topic, the newest payload kept."""

    def __init__(self):
        self.times = collections.Counter()
        self.client = None

    def connect(self, campanile):
        subscribed = threading.Event()
        self.client = mqtt.Client(client_id="watch", clean_session=False)
        self.client.on_subscribe = lambda *unused: subscribed.set()
        self.client.on_message = lambda unused_client, unused_data, message: self.times.update([message.topic])
        self.client.connect("127.0.0.1", campanile.mqtt_port, 60)
        self.client.loop_start()
        return subscribed

    def subscribe(self, campanile):
        subscribed = self.connect(campanile)
        self.client.subscribe("wills/#", 2)
        wait_until(subscribed.is_set, "SUBACK")
        self.leave()

    def wait_for(self, topic):
        wait_until(lambda: self.times[topic] > 0, topic, lambda: dict(self.times))

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def kill_and_start(campanile):
    campanile.kill()
    campanile.start()


class WillsTest(unittest.TestCase):
    def test_of_clients_that_were_connected_when_the_program_was_killed(self):
        with Campanile() as campanile:
            watch = Watch()
            watch.subscribe(campanile)
            devices = [Device(campanile, "clean", True), Device(campanile, "kept", False), Device(campanile, "clean_v5", True, 0),
                       Device(campanile, "kept_v5", False, 0), Device(campanile, "brief_v5", True, 3600),
                       Device(campanile, "delayed_v5", False, DELAY_S), Device(campanile, "back_v5", False, 3600)]
            Device(campanile, "polite", True).leave()
            Device(campanile, "polite_v5", False, DELAY_S).leave()
            at_once = ["clean", "kept", "clean_v5", "kept_v5", "brief_v5", "mosquitto"]
            with campanile.subscriber("-t", "none", "-i", "mosquitto", "--will-topic", "wills/mosquitto", "--will-payload", "offline", "--will-qos", "2",
                                      "--will-retain"):
                wait_until(lambda: metric(campanile, "campanile_broker_wills") == len(devices) + 1, "the polite ones' wills to be gone",
                           lambda: metric(campanile, "campanile_broker_wills"))
                campanile.publish("barrier", "all before it is on disk")
                campanile.kill()
            for device in devices:
                device.end()
            campanile.start()

            # Before any client comes, those without a delay are published.
            watch.connect(campanile)
            for name in at_once:
                watch.wait_for(f"wills/{name}")
            back = Device(campanile, "back_v5", False, 0, will=False)
            watch.wait_for("wills/delayed_v5")
            campanile.publish("wills/end", "nothing is under way behind it", qos=2)
            watch.wait_for("wills/end")
            expected = {f"wills/{name}": 1 for name in [*at_once, "delayed_v5", "end"]}
            self.assertEqual(dict(watch.times), expected)
            self.assertEqual(metric(campanile, "campanile_broker_wills"), 0)
            watch.leave()
            back.leave()
            retained = run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(campanile.mqtt_port), "-t", "wills/#", "-F", "%t", "-C", str(len(expected) - 1), "-W", "20"])
            self.assertEqual(set(retained.stdout.split()), set(expected) - {"wills/end"})

            # They are not published again.
            kill_and_start(campanile)
            watch.connect(campanile)
            campanile.publish("wills/end2", "nothing is under way behind it", qos=2)
            watch.wait_for("wills/end2")
            self.assertEqual(dict(watch.times), {**expected, "wills/end2": 1})
            watch.leave()

    def test_that_were_published_before_the_kill_are_not_published_again(self):
        with Campanile() as campanile:
            watch = Watch()
            watch.subscribe(campanile)
            for turn in range(3):
                name = f"lost{turn}"
                device = Device(campanile, name, True)
                device.client.loop_stop()
                device.client.socket().close()
                wait_until(lambda: metric(campanile, "campanile_broker_wills") == 0, "the will to be published")
                campanile.publish("barrier", "all before it is on disk")
                kill_and_start(campanile)
            watch.connect(campanile)
            campanile.publish("wills/end", "nothing is under way behind it", qos=2)
            watch.wait_for("wills/end")
            self.assertEqual(dict(watch.times), {"wills/lost0": 1, "wills/lost1": 1, "wills/lost2": 1, "wills/end": 1})
            watch.leave()

    def test_a_stop_publishes_them_and_the_next_start_does_not(self):
        with Campanile() as campanile:
            watch = Watch()
            watch.subscribe(campanile)
            devices = [Device(campanile, f"d{i}", i % 2 == 0) for i in range(6)]
            campanile.stop()
            for device in devices:
                device.end()
            campanile.start()
            watch.connect(campanile)
            campanile.publish("wills/end", "nothing is under way behind it", qos=2)
            watch.wait_for("wills/end")
            self.assertEqual(dict(watch.times), {**{f"wills/d{i}": 1 for i in range(6)}, "wills/end": 1})
            watch.leave()


if __name__ == "__main__":
    main()
