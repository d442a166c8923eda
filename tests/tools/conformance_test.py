"""Whether docs/mqtt-conformance.md is complete and true: every numbered statement of both standards once, every test that it names
in the tree, and no number cited by the code that no standard has."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Appendix B of each standard: section, then the numbers. "1-5" counts up; gaps are the standards' own.
MQTT5 = """
1.5.4 1-3; 1.5.5 1; 1.5.7 1; 2.1.3 1; 2.2.1 2-6; 2.2.2 1; 3.1.0 1-2; 3.1.2 1-30; 3.1.3 1-12; 3.1.4 1-6; 3.2.0 1-2; 3.2.2 1-22;
3.3.1 1-13; 3.3.2 1-20; 3.3.4 1-10; 3.4.2 1-3; 3.5.2 1-3; 3.6.1 1; 3.6.2 1-3; 3.7.2 1-3; 3.8.1 1; 3.8.3 1-5; 3.8.4 1-8; 3.9.2 1-2;
3.9.3 1-2; 3.10.1 1; 3.10.3 1-2; 3.10.4 1-6; 3.11.2 1-2; 3.11.3 1-2; 3.12.4 1; 3.14.0 1; 3.14.1 1; 3.14.2 1-4; 3.14.4 1-3;
3.15.1 1; 3.15.2 1-3; 4.1.0 1-2; 4.2 1; 4.3.1 1; 4.3.2 1-5; 4.3.3 1-13; 4.4.0 1-2; 4.5.0 1-2; 4.6.0 1-6; 4.7.0 1; 4.7.1 1-2;
4.7.2 1; 4.7.3 1-4; 4.8.2 1-6; 4.9.0 1-3; 4.12.0 1-7; 4.12.1 1-2; 4.13.1 1; 4.13.2 1; 6.0.0 1-4
"""
MQTT311 = """
1.5.3 1-3; 2.2.2 1-2; 2.3.1 1-7; 3.1.0 1-2; 3.1.2 1-24; 3.1.3 1-11; 3.1.4 1-5; 3.2.0 1; 3.2.2 1-6; 3.3.1 1-12; 3.3.2 1-3; 3.3.4 1;
3.3.5 1-2; 3.6.1 1; 3.8.1 1; 3.8.3 1-4; 3.8.4 1-6; 3.9.3 1-2; 3.10.1 1; 3.10.3 1-2; 3.10.4 1-6; 3.12.4 1; 3.14.1 1; 3.14.4 1-3;
4.1.0 1-2; 4.3.1 1; 4.3.2 1-2; 4.3.3 1-2; 4.4.0 1; 4.5.0 1-2; 4.6.0 1-6; 4.7.1 1-3; 4.7.2 1; 4.7.3 1-4; 4.8.0 1-2; 6.0.0 1-4;
7.0.0 1-2; 7.1.1 1; 7.1.2 1
"""
NUMBER = re.compile(r"\d+\.\d+(?:\.\d+)?-\d+")


def statements(text):
    found = []
    for part in text.replace("\n", " ").split(";"):
        section, numbers = part.split()
        first, _, last = numbers.partition("-")
        found += [f"{section}-{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def tables():
    """The rows of the two tables, as lists of cells."""
    page = (ROOT / "docs" / "mqtt-conformance.md").read_text(encoding="utf-8")
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if re.match(r"\| \d[\d.]+-\d", line)]
            for part in page.split("## MQTT 3.1.1 alone")]


class ConformanceTest(unittest.TestCase):
    def assert_each_once(self, wanted, found):
        self.assertEqual([], sorted(set(wanted) - set(found)), "missing")
        self.assertEqual([], sorted(set(found) - set(wanted)), "in no standard")
        self.assertEqual([], sorted({number for number in found if found.count(number) > 1}), "more than once")

    def test_every_statement_of_version_5_stands_once(self):
        self.assert_each_once(statements(MQTT5), [row[0] for row in tables()[0]])

    def test_every_statement_of_version_311_stands_once(self):
        both, alone = tables()
        found = [number for row in both for number in NUMBER.findall(row[1])] + [row[0] for row in alone]
        self.assert_each_once(statements(MQTT311), found)

    def test_every_row_is_shown_or_says_why_not(self):
        for row in sum(tables(), []):
            self.assertIn(row[-3], ("S", "C", "B"), row)
            self.assertTrue(re.search(r"`[^`]+`", row[-1]) or row[-1].startswith("n/a: "), row)

    def test_every_named_test_exists(self):
        for row in sum(tables(), []):
            for reference in re.findall(r"`([^`]+)`", row[-1]):
                file, _, name = reference.partition(" ")
                path = ROOT / "tests" / file
                self.assertTrue(path.is_file(), f"{row[0]}: there is no tests/{file}")
                text = path.read_text(encoding="utf-8")
                if file.endswith(".cc"):
                    suite, _, case = name.partition(".")
                    there = re.search(rf"TEST(_F|_P)?\({suite}, {case}\)", text)
                elif file.endswith(".py"):
                    there = re.search(rf"(def|class) {name}\(", text)
                else:
                    there = name in text
                self.assertTrue(there, f"{row[0]}: tests/{file} has no test '{name}'")

    def test_the_code_cites_what_exists(self):
        known = set(statements(MQTT5) + statements(MQTT311))
        for folder in ("src", "tests"):
            for path in (ROOT / folder).rglob("*"):
                if path.suffix not in (".cc", ".h"):
                    continue
                for cited in re.findall(r"\[MQTT-([^\]]+)\]", path.read_text(encoding="utf-8")):
                    for number in NUMBER.findall(cited):
                        self.assertTrue(number in known, f"{path.relative_to(ROOT)} cites [MQTT-{number}]")


if __name__ == "__main__":
    unittest.main()
