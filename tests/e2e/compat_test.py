"""Data directories of earlier formats (tests/compat) are opened, and answer as the program did that wrote them."""

import glob
import json
import os
import shutil
import tarfile
import tempfile
import unittest

import paho.mqtt.client as mqtt

from harness import BINARY, Campanile, main, run, wait_until

DIRECTORIES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "compat")


def retained(campanile):
    with campanile.subscriber("-t", "kept/#", "-F", "%t %p") as subscriber:
        return dict(line.split(" ", 1) for line in subscriber.wait_for(3))


def queued(port, count):
    """What waited for the session, taken and acknowledged."""
    client = mqtt.Client("keeper", clean_session=False)
    messages, present = [], []
    client.on_connect = lambda _client, _data, flags, _code: present.append(flags["session present"])
    client.on_message = lambda _client, _data, message: messages.append([message.topic, message.payload.decode()])
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_until(lambda: len(messages) >= count, "what waited for the session", lambda: messages)
    client.disconnect()
    client.loop_stop()
    return present[0], messages


class CompatTest(unittest.TestCase):
    def check(self, campanile, expected):
        for database, text, answer in expected["queries"]:
            with self.subTest(query=text, database=database):
                self.assertEqual(answer, campanile.query(text, database, epoch="ns"))
        self.assertEqual(expected["retained"], retained(campanile))
        self.assertEqual(expected["rejected"], [message["payload"] for message in campanile.get_json("/api/v1/rejected")["messages"]])

    def test_directories_of_earlier_formats_answer_as_they_did(self):
        archives = sorted(glob.glob(os.path.join(DIRECTORIES, "*.tar.xz")))
        self.assertGreaterEqual(len(archives), 3)
        for archive in archives:
            with self.subTest(archive=os.path.basename(archive)):
                folder = tempfile.mkdtemp(prefix="campanile-compat-")
                self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
                with tarfile.open(archive) as tar:
                    tar.extractall(folder)
                data = os.path.join(folder, "data")
                with open(archive.replace(".tar.xz", ".json"), encoding="utf-8") as file:
                    expected = json.load(file)
                with Campanile(data=data) as campanile:
                    self.check(campanile, expected)
                    is_present, messages = queued(campanile.mqtt_port, len(expected["queued"]))
                    self.assertTrue(is_present, "the session is there")
                    # A message of QoS 2 is the client's only after one more round.
                    self.assertEqual(expected["queued"], sorted(messages))
                    # In today's format from here on.
                    campanile.write("new v=1 1")
                    status, _, body = campanile.request("POST", "/api/v1/seal")
                    self.assertEqual(200, status, body)
                    self.check(campanile, expected | {"queries": [one for one in expected["queries"] if not one[1].startswith("SHOW")]})
                run([BINARY, "verify", data])
                with Campanile(data=data) as campanile:
                    self.check(campanile, expected | {"queries": [one for one in expected["queries"] if not one[1].startswith("SHOW")]})
                    self.assertEqual([[1, 1]], campanile.values("SELECT v FROM new", epoch="ns"))


if __name__ == "__main__":
    main()
