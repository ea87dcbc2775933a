# SPDX-License-Identifier: MIT
"""Modules with compiled parts, a callback out of C, threads that import, and a child."""
import bz2
import ctypes
import ctypes.util
import hashlib
import json
import lzma
import sqlite3
import ssl
import subprocess
import sys
import threading
import zlib

COMPARE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


def sort_by_c():
    libc = ctypes.CDLL(None)
    numbers = (ctypes.c_int * 5)(3, 1, 4, 1, 5)
    libc.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int),
               COMPARE(lambda a, b: a[0] - b[0]))
    return list(numbers)


def import_all():
    names = ["_csv", "_bisect", "array", "audioop", "termios", "resource", "_curses", "readline",
             "_multiprocessing", "_posixshmem", "mmap", "_uuid", "_zoneinfo", "_asyncio"]
    threads = [threading.Thread(target=__import__, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [name for name in names if name in sys.modules]


database = sqlite3.connect(":memory:")
database.execute("create table t (a)")
database.executemany("insert into t values (?)", [(i,) for i in range(1000)])
print(database.execute("select sum(a) from t").fetchone())
print(ssl.create_default_context().verify_mode, hashlib.sha3_256(b"abc").hexdigest())
print(sort_by_c(), ctypes.CDLL("libm.so.6").abs(-3))
data = json.dumps(list(range(1000))).encode()
print([len(m.decompress(m.compress(data))) for m in (zlib, bz2, lzma)])
print(import_all())
print(subprocess.run([sys.executable, "-c", "import ssl; print('child', 6 * 7)"],
                     capture_output=True, text=True, check=True).stdout, end="")
