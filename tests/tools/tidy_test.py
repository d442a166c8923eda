#!/usr/bin/env python3
"""tools/tidy.py must find each fault it promises to find: a check that cannot fail checks nothing."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import tidy


class TidyTest(unittest.TestCase):
    def findings(self, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            return tidy.check(root)

    def assert_finds(self, part, files):
        found = self.findings(files)
        self.assertTrue(any(part in finding for finding in found), f"{part!r} not in {found}")

    def test_clean_tree(self):
        self.assertEqual([], self.findings({"src/net/tcp.h": '// TCP.\n#pragma once\n#include "base/result.h"\n'}))

    def test_upward_include(self):
        self.assert_finds("ports.h", {"src/net/tcp.cc": '#include "api/router.h"\n'})

    def test_peer_include(self):
        self.assert_finds("ports.h", {"src/net/tcp.cc": '#include "journal/journal.h"\n'})

    def test_relative_include(self):
        self.assert_finds("write includes from src/", {"src/net/tcp.cc": '#include "tcp.h"\n'})

    def test_private_library(self):
        self.assert_finds("belongs behind net/", {"src/broker/session.cc": "#include <boost/asio.hpp>\n"})

    def test_long_file(self):
        self.assert_finds("longer than 800", {"src/net/tcp.cc": "\n" * 801})

    def test_banned_folder(self):
        self.assert_finds("'utils' says nothing", {"src/net/utils/tcp.cc": "\n"})

    def test_banned_suffix(self):
        self.assert_finds("says nothing", {"src/net/tcp_manager.cc": "\n"})

    def test_impure_decoder(self):
        self.assert_finds("pure", {"src/mqtt/packet.cc": "#include <fstream>\n"})

    def test_incomplete_plugin(self):
        found = self.findings({"src/decoders/senml/senml.h": "// SenML.\n#pragma once\n"})
        for part in ("lacks senml.cc", "lacks README.md", "lacks sample.yaml", "lacks a golden case"):
            self.assertTrue(any(part in finding for finding in found), f"{part!r} not in {found}")

    def test_header_without_purpose(self):
        self.assert_finds("opens with a comment", {"src/net/tcp.h": "#pragma once\n"})


if __name__ == "__main__":
    unittest.main()
