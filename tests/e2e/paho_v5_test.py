"""MQTT 5 as python3-paho-mqtt speaks it: shared subscriptions, request and response, identifiers, expiry, wills, aliases."""

import queue
import threading
import unittest

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from harness import Campanile, main, wait_until


def properties(packet, **values):
    found = Properties(packet)
    for name, value in values.items():
        setattr(found, name, value)
    return found


class Client:
    """A connected client whose messages are in `messages` and whose answers are waited for."""

    def __init__(self, campanile, client_id, clean=True, will=None, **connect):
        self.messages = queue.Queue()
        self.client = mqtt.Client(client_id=client_id, protocol=mqtt.MQTTv5)
        self.client.suppress_exceptions = False
        self.connected, self.subscribed, self.gone = threading.Event(), threading.Event(), threading.Event()
        self.client.on_connect = self._on_connect
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.on_subscribe = lambda *unused: self.subscribed.set()
        self.client.on_disconnect = self._on_disconnect
        self.disconnect_reason = None
        if will:
            self.client.will_set(*will[:2], qos=1, properties=will[2])
        self.client.connect("127.0.0.1", campanile.mqtt_port, 60, clean_start=clean, properties=properties(PacketTypes.CONNECT, **connect))
        self.client.loop_start()
        assert self.connected.wait(15), "no CONNACK"

    def _on_connect(self, client, data, flags, reason, told):
        self.present, self.reason, self.told = flags["session present"], reason, told
        self.connected.set()

    def _on_disconnect(self, client, data, reason, told=None):
        self.disconnect_reason = reason
        self.gone.set()

    def subscribe(self, topic, qos=1, options=None, identifier=None):
        self.subscribed.clear()
        told = properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=identifier) if identifier else None
        self.client.subscribe(topic, options=options or SubscribeOptions(qos=qos), properties=told)
        assert self.subscribed.wait(15), "no SUBACK"
        return self

    def publish(self, topic, payload, qos=1, retain=False, **values):
        self.client.publish(topic, payload, qos, retain, properties=properties(PacketTypes.PUBLISH, **values)).wait_for_publish(15)

    def next(self):
        return self.messages.get(timeout=15)

    def close(self, **values):
        self.client.disconnect(properties=properties(PacketTypes.DISCONNECT, **values))
        assert self.gone.wait(15), "no end of the connection"
        self.client.loop_stop()

    def vanish(self):
        """Ends the connection without a word."""
        self.client._sock_close()  # pylint: disable=protected-access
        self.client.loop_stop()


class PahoV5Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.campanile = Campanile().start()

    @classmethod
    def tearDownClass(cls):
        cls.campanile.stop()

    def connect(self, client_id, **options):
        return Client(self.campanile, client_id, **options)

    def test_shared_subscriptions_divide_the_messages(self):
        members = [self.connect(f"member{number}").subscribe("$share/workers/jobs/#") for number in range(3)]
        whole = self.connect("whole").subscribe("jobs/#")
        publisher = self.connect("publisher")
        for number in range(60):
            publisher.publish("jobs/new", str(number))
        received = [[] for unused in members]

        def collected():
            for member, own in zip(members, received):
                while not member.messages.empty():
                    own.append(int(member.next().payload))
            return sum(map(len, received)) >= 60

        wait_until(collected, "60 messages", lambda: received)
        self.assertEqual(list(range(60)), sorted(sum(received, [])), "each once")
        self.assertTrue(all(received), "everybody gets some")
        self.assertEqual(list(range(60)), [int(whole.next().payload) for unused in range(60)])
        for client in (*members, whole, publisher):
            client.close()

    def test_a_shared_subscription_gets_no_retained_messages(self):
        client = self.connect("shared-retained")
        client.publish("kept/for/all", "1", retain=True)
        client.subscribe("$share/group/kept/#").subscribe("kept/#", identifier=9)
        message = client.next()
        self.assertTrue(message.retain)
        self.assertEqual([9], message.properties.SubscriptionIdentifier)
        self.assertTrue(client.messages.empty())
        client.close()

    def test_request_and_response(self):
        asks = self.connect("asks", RequestResponseInformation=1)
        prefix = asks.told.ResponseInformation
        self.assertEqual("responses/asks/", prefix)
        asks.subscribe(prefix + "#")
        answers = self.connect("answers").subscribe("lamp/set")
        asks.publish("lamp/set", "on", ResponseTopic=prefix + "lamp", CorrelationData=b"\x00\x01", ContentType="text/plain")
        question = answers.next()
        self.assertEqual("text/plain", question.properties.ContentType)
        answers.publish(question.properties.ResponseTopic, "done", CorrelationData=question.properties.CorrelationData)
        answer = asks.next()
        self.assertEqual((prefix + "lamp", b"done", b"\x00\x01"), (answer.topic, answer.payload, answer.properties.CorrelationData))
        asks.close()
        answers.close()
        quiet = self.connect("quiet")
        self.assertFalse(hasattr(quiet.told, "ResponseInformation"))
        quiet.close()

    def test_subscription_identifiers_of_overlapping_subscriptions(self):
        client = self.connect("identifiers")
        client.subscribe("id/+", identifier=1).subscribe("id/#", identifier=2).subscribe("id/x")
        client.publish("id/x", "1")
        self.assertEqual({1, 2}, set(client.next().properties.SubscriptionIdentifier))
        client.publish("id/x/y", "2")
        self.assertEqual([2], client.next().properties.SubscriptionIdentifier)
        self.assertTrue(client.messages.empty(), "one copy each")
        client.close()

    def test_no_local_and_retain_as_published(self):
        client = self.connect("options")
        client.subscribe("opt/#", options=SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True, retainHandling=2))
        other = self.connect("other")
        client.publish("opt/own", "1")
        other.publish("opt/other", "2", retain=True)
        message = client.next()
        self.assertEqual(("opt/other", True), (message.topic, bool(message.retain)))
        self.assertTrue(client.messages.empty())
        client.close()
        other.close()

    def test_messages_expire(self):
        publisher = self.connect("expiry")
        publisher.publish("soon/gone", "1", retain=True, MessageExpiryInterval=1)
        publisher.publish("soon/stays", "2", retain=True, MessageExpiryInterval=1000)

        def only_the_long_one():
            reader = self.connect("reader").subscribe("soon/#")
            seen = {reader.next().topic}
            reader.publish("soon/end", "")
            while True:
                message = reader.next()
                if message.topic == "soon/end":
                    break
                seen.add(message.topic)
                if message.topic == "soon/stays":
                    self.assertLessEqual(message.properties.MessageExpiryInterval, 1000)
            reader.close()
            return seen == {"soon/stays"}

        wait_until(only_the_long_one, "the short one to expire")
        publisher.close()

    def test_will_delay(self):
        watch = self.connect("watch").subscribe("wills/#")
        late = self.connect("late", will=("wills/late", "1", properties(PacketTypes.WILLMESSAGE, WillDelayInterval=1)), SessionExpiryInterval=60)
        late.vanish()
        self.assertEqual("wills/late", watch.next().topic)
        # The session's end comes first.
        ends = self.connect("ends", will=("wills/ends", "2", properties(PacketTypes.WILLMESSAGE, WillDelayInterval=3600)), SessionExpiryInterval=1)
        ends.vanish()
        self.assertEqual("wills/ends", watch.next().topic)
        # Back before the delay was over: no will, whatever happens to the one after it.
        will = ("wills/never", "3", properties(PacketTypes.WILLMESSAGE, WillDelayInterval=3600))
        self.connect("back", clean=False, will=will, SessionExpiryInterval=3600).vanish()
        back = self.connect("back", clean=False, SessionExpiryInterval=3600)
        self.assertTrue(back.present)
        back.publish("wills/end", "4")
        self.assertEqual("wills/end", watch.next().topic)
        back.close(SessionExpiryInterval=0)
        # Another connection may be read before the DISCONNECT is.
        wait_until(lambda: self.campanile.request("GET", "/api/v1/clients/back")[0] == 404, "the session's end")
        self.assertFalse(self.connect("back", clean=False).present, "DISCONNECT ended the session")
        watch.close()

    def test_topic_aliases_from_a_client(self):
        reader = self.connect("alias-reader").subscribe("alias/#")
        publisher = self.connect("alias-publisher")
        self.assertGreaterEqual(publisher.told.TopicAliasMaximum, 2)
        publisher.publish("alias/one", "1", TopicAlias=1)
        publisher.publish("alias/two", "2", TopicAlias=2)
        publisher.publish("", "3", TopicAlias=1)
        publisher.publish("", "4", TopicAlias=2)
        self.assertEqual([("alias/one", b"1"), ("alias/two", b"2"), ("alias/one", b"3"), ("alias/two", b"4")],
                         [(message.topic, message.payload) for message in (reader.next() for unused in range(4))])
        reader.close()
        publisher.close()

    def test_topic_aliases_to_a_client(self):
        reader = self.connect("alias-taker", TopicAliasMaximum=2).subscribe("to/#")
        publisher = self.connect("alias-giver")
        for number in range(4):
            publisher.publish("to/a/client", str(number))
        messages = [reader.next() for unused in range(4)]
        self.assertEqual(["to/a/client", "", "", ""], [message.topic for message in messages])
        self.assertEqual([1, 1, 1, 1], [message.properties.TopicAlias for message in messages])
        reader.close()
        publisher.close()

    def test_a_message_larger_than_the_client_takes_is_passed_over(self):
        reader = self.connect("small", MaximumPacketSize=200).subscribe("size/#")
        publisher = self.connect("large")
        publisher.publish("size/x", "x" * 300)
        publisher.publish("size/x", "fits")
        self.assertEqual(b"fits", reader.next().payload)
        reader.close()
        publisher.close()

    def test_an_assigned_identifier_and_a_take_over(self):
        first = self.connect("")
        self.assertTrue(first.told.AssignedClientIdentifier)
        self.assertEqual(0, first.reason.value)
        second = self.connect(first.told.AssignedClientIdentifier)
        self.assertTrue(first.gone.wait(15))
        first.client.loop_stop()
        second.close()


if __name__ == "__main__":
    main()
