#!/usr/bin/env python3
"""Checks what STYLE.md and ARCHITECTURE.md promise about the tree, and fails the build where it is not so.

    tools/tidy.py [ROOT]

Layers, file sizes, complete plug-in folders, banned names, private libraries, pure folders. One line a finding:
path:line: what is wrong and what to do.
"""

import os
import re
import sys

# A folder may include itself and any folder of a lower layer; peers on one layer may not include each other.
LAYERS = {
    "base": 0,
    "model": 1, "codec": 1,
    "kv": 2, "journal": 2, "net": 2, "mqtt": 2, "decoders": 2,
    "tsdb": 3, "registry": 3, "backup": 3, "audit": 3,
    "broker": 4, "query": 4,
    "ingest": 5, "command": 5, "rules": 5,
    "api": 6, "collectors": 6,
    "app": 7,
}
LINES_MAX = 800
BANNED_NAMES = {"common", "util", "utils", "helper", "helpers", "misc", "manager", "managers", "core"}
SOURCE_ENDINGS = (".cc", ".h", ".ts", ".svelte", ".py", ".mjs", ".js", ".css", ".sh", ".cmake")
SKIPPED_FOLDERS = {".git", "build", "node_modules", "dist", "venv", "__pycache__", "corpus"}

# Libraries that only one folder may include, so that the rest compiles quickly and can be moved to another library.
PRIVATE_LIBRARIES = {
    re.compile(r"boost/(asio|beast)"): {"net"},
    re.compile(r"rocksdb/"): {"kv"},
    re.compile(r"yaml-cpp/"): {"app"},
    re.compile(r"CLI/"): {"app"},
    re.compile(r"spdlog/|prometheus/"): {"base"},
}
PURE_FOLDERS = ("model/", "codec/", "mqtt/", "decoders/", "query/languages/")
IMPURE = re.compile(
    r"#include <(fstream|filesystem|iostream|thread|sys/socket\.h|sys/stat\.h|fcntl\.h|unistd\.h|ctime|time\.h)>"
    r"|system_clock|steady_clock|clock_gettime|std::this_thread")

# family -> files that each plug-in folder must hold ({name} is the folder's name), and where its golden cases are.
PLUGIN_FAMILIES = {
    "src/decoders": (("{name}.h", "{name}.cc", "README.md", "sample.yaml"), "tests/golden/decoders/{name}"),
    "src/collectors": (("{name}.h", "{name}.cc", "README.md", "sample.yaml"), "tests/golden/collectors/{name}"),
    "src/rules/notifiers": (("{name}.h", "{name}.cc", "README.md", "sample.yaml"), "tests/golden/notifiers/{name}"),
    "src/query/languages": (("{name}.h", "{name}.cc", "README.md"), "tests/golden/query/{name}"),
}

INCLUDE = re.compile(r'^\s*#include\s+(?:"([^"]+)"|<([^>]+)>)')


def walk(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        yield os.path.relpath(folder, root), folders, sorted(files)


def module_of(path):
    """The src/ folder a source file belongs to, or None for files outside src/."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def check_include(path, number, module, target, quoted):
    if quoted:
        owner = target.split("/")[0]
        if owner not in LAYERS:
            return f"{path}:{number}: includes \"{target}\": write includes from src/, as \"folder/file.h\""
        if owner != module and LAYERS[owner] >= LAYERS[module]:
            return (f"{path}:{number}: {module} (layer {LAYERS[module]}) includes {target} of layer {LAYERS[owner]}: "
                    "declare an interface in your own ports.h and connect the two in app/wiring.cc")
    for pattern, owners in PRIVATE_LIBRARIES.items():
        if pattern.match(target) and module not in owners:
            return f"{path}:{number}: <{target}> belongs behind {', '.join(sorted(owners))}/"
    return None


def check_source(path, text):
    findings = []
    lines = text.split("\n")
    if len(lines) > LINES_MAX:
        findings.append(f"{path}:{len(lines)}: longer than {LINES_MAX} lines: split it by concept")
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line) and not path.endswith("tidy.py"):
            findings.append(f"{path}:{number}: finish it, or write it down as an issue")
    module = module_of(path)
    if module is None or not path.endswith((".h", ".cc")):
        return findings
    if module not in LAYERS:
        return findings + [f"{path}:1: folder src/{module} is not in the layer table of tools/tidy.py"]
    if path.endswith(".h"):
        if not text.startswith("//"):
            findings.append(f"{path}:1: a header opens with a comment that says what it is for")
        if "#pragma once" not in text:
            findings.append(f"{path}:1: a header needs #pragma once")
    inside = path[len("src/"):]
    is_pure = inside.startswith(PURE_FOLDERS)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            finding = check_include(path, number, module, match.group(1) or match.group(2), match.group(1) is not None)
            if finding:
                findings.append(finding)
        if is_pure and IMPURE.search(line.split("//")[0]):
            findings.append(f"{path}:{number}: this folder is pure: no sockets, files, threads or clocks")
    return findings


def check_name(folder, name):
    stem = name.split(".")[0].lower()
    if stem in BANNED_NAMES or re.search(r"_(util|utils|helper|helpers|manager)$", stem):
        return f"{os.path.join(folder, name)}:1: '{stem}' says nothing: name it after the one thing it holds"
    return None


def check_plugins(root):
    findings = []
    for family, (files, golden) in PLUGIN_FAMILIES.items():
        base = os.path.join(root, family)
        if not os.path.isdir(base):
            continue
        for name in sorted(entry for entry in os.listdir(base) if os.path.isdir(os.path.join(base, entry))):
            for wanted in files:
                wanted = wanted.format(name=name)
                if not os.path.isfile(os.path.join(base, name, wanted)):
                    findings.append(f"{family}/{name}:1: lacks {wanted}")
            cases = os.path.join(root, golden.format(name=name))
            if not os.path.isdir(cases) or not os.listdir(cases):
                findings.append(f"{family}/{name}:1: lacks a golden case in {golden.format(name=name)}/")
    return findings


def check(root):
    findings = check_plugins(root)
    for folder, folders, files in walk(root):
        for name in folders:
            findings.append(check_name(folder, name))
        for name in files:
            findings.append(check_name(folder, name))
            path = os.path.normpath(os.path.join(folder, name))
            if not name.endswith(SOURCE_ENDINGS):
                continue
            with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
                findings.extend(check_source(path, file.read()))
    return [finding for finding in findings if finding]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} finding(s)" if findings else "tidy: nothing to say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
