# SPDX-License-Identifier: MIT
"""A process with a name and a mapped file that try to fool a terminal, or with sealed pages."""

import ctypes
import mmap
import os
import signal
import sys

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_NAME = 15
PR_SET_PDEATHSIG = 1
NR_mseal = 462


def own_mappings():
    with open("/proc/self/maps", "rb") as maps:
        for line in maps:
            fields = line.split()
            start, end = (int(x, 16) for x in fields[0].split(b"-"))
            yield start, end, fields[1], fields[5] if len(fields) > 5 else b""


def seal_text(path_part):
    for start, end, perm, path in own_mappings():
        if path_part in path and perm == b"r-xp":
            address, size = ctypes.c_ulong(start), ctypes.c_ulong(end - start)
            if libc.syscall(NR_mseal, address, size, ctypes.c_ulong(0)) != 0:
                sys.exit("mseal: " + os.strerror(ctypes.get_errno()))


def map_file(directory, name):
    path = os.path.join(os.fsencode(directory), name)
    with open(path, "wb+") as file:
        file.truncate(4096)
        return mmap.mmap(file.fileno(), 4096)


libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
kept = []
for argument in sys.argv[1:]:
    kind, _, value = argument.partition("=")
    if kind == "seal":
        seal_text(value.encode())
    elif kind == "name":
        libc.prctl(PR_SET_NAME, value.encode().decode("unicode_escape").encode("latin-1"))
    elif kind == "map":
        directory, _, name = value.rpartition("/")
        kept.append(map_file(directory, name.encode().decode("unicode_escape").encode("latin-1")))
print(flush=True)
while True:
    signal.pause()
