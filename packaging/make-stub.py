#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make-stub.py i386|arm FILE

Writes a shared object for 32-bit programs that does nothing: no code, no symbols, nothing to relocate.
The machine-wide mode names its agent by a path with $LIB, which the loaders of 64-bit and of 32-bit
programs expand differently; without a file at theirs, the latter would complain at each start. Made
from numbers, since a compiler for such objects is rarely there."""

import struct
import sys

SONAME = b'libmemseal-machine.so'
ET_DYN = 3
PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474e551
R, RW = 4, 6
PAGE = 0x10000  # the largest there is

# e_machine and e_flags: of ARM's the EABI in version 5, floating point values in their registers.
MACHINES = {'i386': (3, 0), 'arm': (40, 0x05000400)}
EHDR, PHDR, SYM, DYN = 52, 32, 16, 8
HEADERS = 4

strings = b'\0' + SONAME + b'\0'
hash_at = EHDR + HEADERS * PHDR
symbols_at = hash_at + 16
strings_at = symbols_at + SYM
read_only = strings_at + len(strings)
dynamic_at = (read_only + 3) & ~3

DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME = 4, 5, 6, 10, 11, 14
dynamic = [(DT_SONAME, 1), (DT_HASH, hash_at), (DT_STRTAB, strings_at), (DT_SYMTAB, symbols_at),
           (DT_STRSZ, len(strings)), (DT_SYMENT, SYM), (0, 0)]
size = len(dynamic) * DYN


def header(machine, flags):
    ident = b'\x7fELF' + bytes([1, 1, 1]) + bytes(9)
    return ident + struct.pack('<HHIIIIIHHHHHH', ET_DYN, machine, 1, 0, EHDR, 0, flags, EHDR, PHDR,
                               HEADERS, 0, 0, 0)


def segment(kind, offset, address, length, flags, align):
    return struct.pack('<8I', kind, offset, address, address, length, length, flags, align)


def stub(machine, flags):
    # The loader writes to the dynamic section, which is on a page of its own in memory.
    data = PAGE + dynamic_at
    out = header(machine, flags)
    out += segment(PT_LOAD, 0, 0, read_only, R, PAGE)
    out += segment(PT_LOAD, dynamic_at, data, size, RW, PAGE)
    out += segment(PT_DYNAMIC, dynamic_at, data, size, RW, 4)
    out += segment(PT_GNU_STACK, 0, 0, 0, RW, 16)
    out += struct.pack('<4I', 1, 1, 0, 0)  # a hash table with an empty bucket, for one symbol
    out += bytes(SYM)  # that every object has
    out += strings
    out += bytes(dynamic_at - len(out))
    return out + b''.join(struct.pack('<2I', *entry) for entry in dynamic)


with open(sys.argv[2], 'wb') as file:
    file.write(stub(*MACHINES[sys.argv[1]]))
