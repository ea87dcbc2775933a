# SPDX-License-Identifier: MIT
"""The score of a process by other means than memseal's: smaps, and readelf(1) of each file.

Prints [sealable, sealed, images] as JSON does. Page by page, without any cleverness.
"""

import json
import re
import subprocess
import sys

PAGE = 4096


def read_mappings(pid):
    mappings = []
    with open(f"/proc/{pid}/smaps", errors="surrogateescape") as smaps:
        for line in smaps:
            if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ (\d+) *(.*)$", line):
                start, end, perm, offset, inode, name = match.groups()
                mappings.append({"start": int(start, 16), "end": int(end, 16), "perm": perm,
                                 "offset": int(offset, 16), "inode": inode, "name": name})
            elif line.startswith("VmFlags:"):
                mappings[-1]["sealed"] = "sl" in line.split()
    return mappings


def read_segments(pid, path):
    """Type, offset, address, size in memory and flags of each segment; none if this is no ELF."""
    answer = subprocess.run(["readelf", "-lW", f"/proc/{pid}/root{path}"], capture_output=True,
                            text=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    pattern = r"^  (LOAD|GNU_RELRO) +0x(\w+) 0x(\w+) 0x\w+ 0x\w+ 0x(\w+) (...) 0x"
    segments = re.findall(pattern, answer.stdout, re.MULTILINE)
    return [(kind, int(offset, 16), int(address, 16), int(size, 16), flags)
            for kind, offset, address, size, flags in segments]


def down(address):
    return address - address % PAGE


def image_pages(base, segments):
    """Page addresses that count, of an object whose first segment is at base."""
    loads = [s for s in segments if s[0] == "LOAD"]
    bias = base - down(loads[0][2])
    pages = {}
    for _, _, address, size, flags in loads:
        for page in range(down(address), address + size, PAGE):
            pages[bias + page] = "W" not in flags
    for kind, _, address, size, _ in segments:
        if kind == "GNU_RELRO":
            for page in range(down(address), down(address + size), PAGE):
                pages[bias + page] = True
    return {page for page, counts in pages.items() if counts}


def main(pid):
    mappings = read_mappings(pid)
    mapped = {page: m for m in mappings for page in range(m["start"], m["end"], PAGE)}
    counted, images = set(), 0
    for m in mappings:
        if m["name"] == "[vdso]":
            counted.update(range(m["start"], m["end"], PAGE))
            images += 1
        if not m["name"].startswith("/") or m["offset"] or "w" in m["perm"]:
            continue
        segments = read_segments(pid, m["name"])
        # These programs only map ELF files to run them.
        if segments:
            counted.update(image_pages(m["start"], segments))
            images += 1
    counted &= mapped.keys()
    sealed = [p for p in counted if mapped[p]["sealed"] and "w" not in mapped[p]["perm"]]
    print(json.dumps([PAGE * len(counted), PAGE * len(sealed), images], separators=(",", ":")))


main(sys.argv[1])
