"""The Python client most devices and scripts use: python3-paho-mqtt."""

import threading
import unittest

import paho.mqtt.client as mqtt

from harness import Campanile, main, wait_until


def client_of(version, **options):
    client = mqtt.Client(protocol=version, **options)
    client.suppress_exceptions = False
    return client


class PahoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile().start()

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()

    def connect(self, client):
        connected = threading.Event()
        client.on_connect = lambda *unused: connected.set()
        client.connect("127.0.0.1", self.campanile.mqtt_port, 60)
        client.loop_start()
        self.assertTrue(connected.wait(15), "no CONNACK")
        return client

    def close(self, client):
        client.disconnect()
        client.loop_stop()

    def test_publish_and_subscribe_with_every_version(self):
        for version in (mqtt.MQTTv31, mqtt.MQTTv311, mqtt.MQTTv5):
            for qos in (0, 1, 2):
                received, subscribed = [], threading.Event()
                subscriber = client_of(version, client_id=f"sub{version}{qos}")
                subscriber.on_message = lambda client, data, message, received=received: received.append(message.payload)
                subscriber.on_subscribe = lambda *unused, subscribed=subscribed: subscribed.set()
                self.connect(subscriber)
                subscriber.subscribe(f"paho/{version}/{qos}", qos)
                self.assertTrue(subscribed.wait(15))
                publisher = self.connect(client_of(version, client_id=f"pub{version}{qos}"))
                for number in range(100):
                    info = publisher.publish(f"paho/{version}/{qos}", str(number), qos)
                info.wait_for_publish(15)
                wait_until(lambda: len(received) >= 100, "100 messages", lambda: len(received))
                self.assertEqual([str(number).encode() for number in range(100)], received)
                self.close(publisher)
                self.close(subscriber)

    def test_a_second_client_of_the_same_name_takes_over(self):
        gone = threading.Event()
        first = client_of(mqtt.MQTTv311, client_id="twin")
        first.on_disconnect = lambda *unused: gone.set()
        self.connect(first)
        first.loop_stop()
        first.loop_start()
        second = self.connect(client_of(mqtt.MQTTv311, client_id="twin"))
        self.assertTrue(gone.wait(15), "the first client was not disconnected")
        first.loop_stop()
        self.close(second)

    def test_an_acknowledged_reading_can_be_queried_at_once(self):
        client = self.connect(client_of(mqtt.MQTTv311, client_id="sensor"))
        for number in range(50):
            client.publish("bu/12/luminosity", f'{{"value":{number},"value_units":"lux","subID":"1","unitID":"auto_0001"}}', 1).wait_for_publish(15)
            newest = self.campanile.values("SELECT last(value) FROM data WHERE room = '12'")[0][1]
            self.assertEqual(number, newest)
        self.close(client)


if __name__ == "__main__":
    main()
