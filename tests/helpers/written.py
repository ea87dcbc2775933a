#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""written.py PID: which mappings of images can be written from outside, in another process.

An image is a file that is mapped executable somewhere, and what stands in for parts of it: memory
without a name, or memseal's. For each of its mappings that are not writable, the byte that is there
is written through /proc/PID/mem, by PTRACE_POKEDATA and by process_vm_writev(2). Prints how many
there are, how many were written, by what, and the errors of those that were not.
"""

import ctypes
import errno
import os
import sys

PTRACE_PEEKDATA, PTRACE_POKEDATA, PTRACE_DETACH, PTRACE_ATTACH = 2, 5, 17, 16

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
libc.process_vm_writev.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong,
                                   ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def images(pid):
    rows = []
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(None, 5)
            start = int(fields[0].split("-")[0], 16)
            rows.append((start, fields[1], fields[4] != "0", fields[5] if len(fields) > 5 else ""))
    files = {name for _, perm, file, name in rows if "x" in perm and file}
    for start, perm, file, name in rows:
        if perm.startswith("r-") and (name in files or name == "[vdso]" or not (file or name) or
                                      name.startswith("/memfd:memseal")):
            yield start, name


def by_mem(mem, start):
    try:
        os.pwrite(mem, os.pread(mem, 1, start), start)
    except OSError as error:
        return error.errno
    return 0


def by_ptrace(pid, start):
    ctypes.set_errno(0)
    word = libc.ptrace(PTRACE_PEEKDATA, pid, start, None)
    if ctypes.get_errno() or libc.ptrace(PTRACE_POKEDATA, pid, start, word) < 0:
        return ctypes.get_errno()
    return 0


def by_writev(pid, mem, start):
    byte = ctypes.create_string_buffer(os.pread(mem, 1, start), 1)
    local = Iovec(ctypes.addressof(byte), 1)
    remote = Iovec(start, 1)
    n = libc.process_vm_writev(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
    return 0 if n == 1 else ctypes.get_errno()


def main(pid):
    count, written, answers = 0, [], set()
    if libc.ptrace(PTRACE_ATTACH, pid, None, None) < 0:
        sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.waitpid(pid, 0x40000000)  # __WALL
    mem = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    for start, name in images(pid):
        found = {"mem": by_mem(mem, start), "ptrace": by_ptrace(pid, start),
                 "writev": by_writev(pid, mem, start)}
        count += 1
        if 0 in found.values():
            written.append(name or "anonymous")
        answers |= {f"{how} {errno.errorcode[error]}" for how, error in found.items() if error}
    libc.ptrace(PTRACE_DETACH, pid, None, None)
    print(f"mappings {count}")
    print(f"written {len(written)}")
    print("answers " + ", ".join(sorted(answers)))
    print("names " + " ".join(sorted(set(written))))


main(int(sys.argv[1]))
