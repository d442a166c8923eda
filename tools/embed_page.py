#!/usr/bin/env python3
"""Writes the C++ source that carries the built page inside the binary.

    tools/embed_page.py WEB_DIST_FOLDER OUTPUT.cc

Each file becomes one .incbin, which the assembler copies: no megabyte of C++ literals to compile. A missing folder gives an empty page, and the server
then says how to build one.
"""

import os
import sys


def files_below(folder):
    found = []
    for path, folders, names in os.walk(folder):
        folders.sort()
        found += [os.path.join(path, name) for name in sorted(names)]
    return found


def symbol(index):
    return f"campanile_page_{index}"


def source(folder):
    files = files_below(folder)
    out = ["// Made by tools/embed_page.py.", '#include "api/page.h"', ""]
    for index, path in enumerate(files):
        name = symbol(index)
        out.append(f'asm(".section .rodata\\n.global {name}\\n.global {name}_end\\n{name}:\\n'
                   f'.incbin \\"{os.path.abspath(path)}\\"\\n{name}_end:\\n.byte 0\\n.previous\\n");')
        out.append(f'extern "C" const char {name}[];')
        out.append(f'extern "C" const char {name}_end[];')
    out += ["", "namespace campanile::api {", "", "std::vector<Asset> embedded_assets() {", "  std::vector<Asset> assets;"]
    for index, path in enumerate(files):
        web_path = "/" + os.path.relpath(path, folder).replace(os.sep, "/")
        out.append(f'  assets.push_back({{"{web_path}", std::string({symbol(index)}, {symbol(index)}_end)}});')
    out += ["  return assets;", "}", "", "}  // namespace campanile::api", ""]
    return "\n".join(out)


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    text = source(sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
