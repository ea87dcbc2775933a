# SPDX-License-Identifier: MIT
"""The program of ./demo: loads libraries, waits for a line, and attacks its own code."""
import ctypes
import errno
import mmap
import os
import sqlite3
import ssl
import sys

PAGE = mmap.PAGESIZE
MAP_FIXED = 0x10
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2

assert sqlite3.connect(":memory:").execute("select 6 * 7").fetchone() == (42,)
assert ssl.create_default_context()

libc = ctypes.CDLL(None, use_errno=True)
for call in (libc.mmap, libc.mremap):
    call.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long)
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int,
                        ctypes.c_void_p)
libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


def text_of(name):
    """The first address of a library's text."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            if name in line and " r-x" in line:
                return int(line.split("-")[0], 16)
    sys.exit(f"{name} is not mapped")


def attempt(what, call, *args):
    """Tells what a call that must not work answers. -1 is a failure of each of them."""
    failed = call(*args) in (-1, ctypes.c_void_p(-1).value)
    answer = errno.errorcode[ctypes.get_errno()] if failed else "succeeds"
    print(what, answer, sep="\t", flush=True)


def write_through_proc(addr):
    """Writes what is there already."""
    memory = os.open("/proc/self/mem", os.O_RDWR)
    try:
        return os.pwrite(memory, os.pread(memory, 1, addr), addr)
    except OSError as error:
        ctypes.set_errno(error.errno)
        return -1


print("ready", flush=True)
sys.stdin.readline()

# Pages of its own for each, in the middle: nothing calls into them any more.
text = text_of("libsqlite3") + 16 * PAGE
spare = libc.mmap(None, PAGE, mmap.PROT_READ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
attempt("mprotect: make it writable", libc.mprotect, text, PAGE,
        mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
attempt("mmap MAP_FIXED: put something else there", libc.mmap, text + PAGE, PAGE, mmap.PROT_READ,
        mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED, -1, 0)
attempt("mremap: move it away", libc.mremap, text + 2 * PAGE, PAGE, PAGE,
        MREMAP_MAYMOVE | MREMAP_FIXED, spare)
attempt("munmap: take it away", libc.munmap, text + 3 * PAGE, PAGE)
attempt("/proc/PID/mem: write to it", write_through_proc, text + 4 * PAGE)
sys.stdout.flush()
os._exit(0)
