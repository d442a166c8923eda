"""One byte of a data directory is damaged, anywhere: the program names the file and where it is, or what it stands in; what it still answers is true, and the rest stays
readable. CAMPANILE_SEED chooses other places; CAMPANILE_SEEDS is how many bytes are damaged in files of each kind."""

import os
import random
import re
import shutil
import tempfile
import time
import unittest

from harness import BINARY, Campanile, main, run

SENSORS = 24
# Not read by the program, or not about data.
IGNORED = re.compile(r"LOCK$|/LOG|/IDENTITY$|OPTIONS-")


def kind_of(path):
    if "/journal/" in path:
        return "journal"
    name = os.path.basename(path)
    return "table" if name.endswith(".sst") else "log of the store" if name.endswith(".log") else name.split("-")[0]


def fill(campanile, rng):
    for begin in range(0, 4000, 1000):
        campanile.write("\n".join(f'fixed,sensor=s{i % SENSORS} value={rng.random() * 1000!r},text="{rng.getrandbits(40):x}" {i * 7_000_000_000 + rng.randrange(10**9)}'
                                  for i in range(begin, begin + 1000)))


def make(folder, rng):
    """Tables with everything so far, a log of the store with what was sealed since, and a journal."""
    data = os.path.join(folder, "data")
    os.mkdir(data)
    small = ("--set", "storage.journal_segment_bytes=1MiB")
    with Campanile(*small, data=data) as campanile:
        fill(campanile, rng)
        assert campanile.request("POST", "/api/v1/seal")[0] == 200
    campanile = Campanile(*small, "--set", "storage.checkpoint_journal_bytes=1MiB", data=data).start()
    campanile.write("\n".join(f"fixed,sensor=s{i % SENSORS} value={i} {10**15 + i}" for i in range(500)))
    # Until a checkpoint has let go of the journal so far: what was sealed since the start is in the store's log alone.
    journal = os.path.join(data, "journal")
    oldest = min(os.listdir(journal))
    # One that is due is looked for once a second, however fast the lines are.
    written, deadline = 0, time.monotonic() + 60
    while min(os.listdir(journal)) == oldest:
        assert time.monotonic() < deadline, "no checkpoint"
        campanile.write("\n".join(f"bulk,n={i % 7} value={i} {i}" for i in range(written, written + 5_000)))
        written += 5_000
    campanile.write("\n".join(f"fixed,sensor=s{i % SENSORS} value={i} {2 * 10**15 + i}" for i in range(500)))
    campanile.publish("kept/a", "retained", "-r")
    expected = answers(campanile)
    campanile.kill()
    return data, expected


def answers(campanile):
    """Of each sensor its rows, or the error."""
    out = {}
    for i in range(SENSORS):
        result = campanile.get_json(f"/query?db=campanile&epoch=ns&q=SELECT%20value,text%20FROM%20fixed%20WHERE%20sensor%3D%27s{i}%27")["results"][0]
        out[i] = result["error"] if "error" in result else result["series"][0]["values"] if "series" in result else []
    return out


def damage(path, rng):
    # Room that was taken in advance holds zeros that nobody reads.
    with open(path, "r+b") as file:
        content = file.read()
        used = len(content.rstrip(b"\0")) or len(content)
        offset = rng.randrange(used)
        file.seek(offset)
        file.write(bytes([content[offset] ^ (1 << rng.randrange(8))]))
    return offset


class CorruptionTest(unittest.TestCase):
    def check(self, data, expected, path):
        """What came of it, in a word."""
        name = os.path.basename(path)
        try:
            campanile = Campanile(data=data)
            campanile.start()
        except AssertionError as refused:
            # Of a table whose properties are damaged RocksDB names the list that it stands in; of one that says that its blocks have no checksums, none.
            self.assertRegex(str(refused), name + ("|MANIFEST|Corrupted compressed block" if name.endswith(".sst") else ""), "a start that is refused names the file")
            return self.check_repaired(data, expected, path)
        try:
            got = answers(campanile)
            log = "".join(campanile.log)
        finally:
            campanile.stop()
        wrong = [i for i in range(SENSORS) if got[i] != expected[i]]
        for i in wrong:
            if isinstance(got[i], str):
                self.assertRegex(got[i], r"chunk bucket|\.sst|\.log|MANIFEST", "an error says what is damaged")
                continue
            # Nothing that nobody wrote; what is missing was told in the log.
            self.assertLessEqual({tuple(row) for row in got[i]}, {tuple(row) for row in expected[i]}, f"sensor {i}")
            self.assertRegex(log, name, f"sensor {i} lost {len(expected[i]) - len(got[i])} rows, and the log says nothing of the file")
        if wrong and "table" == kind_of(path):
            self.assertLess(len(wrong), SENSORS, "the rest is readable")
        return "told" if wrong else "nothing"

    def check_repaired(self, data, expected, path):
        """A start after `campanile repair`: what is missing was told, what is there is true."""
        name = os.path.relpath(path, data)
        damaged = None
        # RocksDB lets go of its log with the start that was refused.
        if os.path.exists(path):
            with open(path, "rb") as file:
                damaged = file.read()
        else:
            verified = run([BINARY, "verify", data], check=False)
            self.assertEqual(1, verified.returncode)
            self.assertRegex(verified.stdout, "ends at journal position")
        trial = run([BINARY, "repair", "--dry-run", data], check=False)
        self.assertEqual(1, trial.returncode, trial.stdout + trial.stderr)
        done = run([BINARY, "repair", data], check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        kept = re.search(r"kept in (\S+);", done.stdout).group(1)
        if damaged is not None:
            with open(os.path.join(kept, name), "rb") as file:
                self.assertEqual(damaged, file.read(), "what was damaged is kept")
        with Campanile(data=data) as campanile:
            got = answers(campanile)
            campanile.write("fixed,sensor=s0 value=1 1")
        wrong = [i for i in range(SENSORS) if got[i] != expected[i]]
        for i in wrong:
            if isinstance(got[i], str):
                self.assertRegex(got[i], "chunk bucket", "the times that a chunk shared are lost")
                continue
            self.assertLessEqual({tuple(row) for row in got[i]}, {tuple(row) for row in expected[i]}, f"sensor {i}")
        if wrong:
            self.assertRegex(done.stdout, "lost: |store: ", done.stdout)
        self.assertIn("nothing to repair", run([BINARY, "repair", "--dry-run", data]).stdout)
        return "repaired, with losses" if wrong else "repaired"

    def test_a_damaged_byte_is_named_and_the_rest_is_readable(self):
        seed = int(os.environ.get("CAMPANILE_SEED", "1"))
        count = int(os.environ.get("CAMPANILE_SEEDS", "8"))
        print(f"CAMPANILE_SEED={seed}")
        rng = random.Random(seed)
        folder = tempfile.mkdtemp(prefix="campanile-corruption-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        whole, expected = make(folder, rng)
        files = {}
        for parent, _, names in os.walk(whole):
            for name in names:
                path = os.path.join(parent, name)
                if os.path.getsize(path) and not IGNORED.search(path):
                    files.setdefault(kind_of(path), []).append(os.path.relpath(path, whole))
        self.assertLessEqual({"journal", "table", "log of the store", "MANIFEST", "CURRENT"}, set(files))
        for kind, names in sorted(files.items()):
            outcomes = {}
            for _ in range(count):
                copy = os.path.join(folder, "copy")
                shutil.copytree(whole, copy)
                path = os.path.join(copy, rng.choice(sorted(names)))
                offset = damage(path, rng)
                with self.subTest(kind=kind, file=os.path.basename(path), offset=offset):
                    outcome = self.check(copy, expected, path)
                    outcomes[outcome] = outcomes.get(outcome, 0) + 1
                shutil.rmtree(copy)
            print(f"{kind}: {outcomes}")


if __name__ == "__main__":
    main()
