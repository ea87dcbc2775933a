#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints what of processes' images is not sealed, by smaps and readelf; nothing if all is.

Usage: coverage.py [--proc DIR] [--root DIR] PID... The pages of read-only PT_LOAD and of RELRO, both
by readelf, of every file that is mapped from its start; [vdso] and [vvar]. DIR: a copy of another
machine's /proc, and a directory that has its files."""

import argparse
import functools
import os
import re
import subprocess
import sys

PAGE = os.sysconf('SC_PAGESIZE')


def read_smaps(path):
    mappings = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            head = re.match(r'([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ *(.*)', line)
            if head:
                mappings.append({
                    'start': int(head[1], 16), 'end': int(head[2], 16), 'perm': head[3],
                    'offset': int(head[4], 16), 'name': head[5]})
            elif line.startswith('VmFlags:'):
                mappings[-1]['sealed'] = 'sl' in line.split()
    return mappings


@functools.lru_cache(None)
def segments(path):
    """(type, address, size, writable) of each program header, and whether it is at a fixed place."""
    text = subprocess.run(['readelf', '-hlW', path], capture_output=True, text=True).stdout
    found = re.findall(r'^  (\S+) +0x\w+ 0x(\w+) 0x\w+ 0x\w+ 0x(\w+) (...) 0x', text, re.M)
    fixed = re.search(r'Type: +EXEC', text) is not None
    return [(t, int(a, 16), int(s, 16), 'W' in f) for t, a, s, f in found], fixed


def spans(mappings, root):
    for mapping in mappings:
        if mapping['name'] in ('[vdso]', '[vvar]', '[vvar_vclock]'):
            yield mapping['start'], mapping['end'], mapping['name']
        if not mapping['name'].startswith('/') or mapping['offset']:
            continue
        headers, fixed = segments(root + mapping['name'])
        bias = 0 if fixed else mapping['start']
        for kind, address, size, writable in headers:
            start, end = bias + address, bias + address + size
            if kind == 'GNU_RELRO':
                yield start & -PAGE, end & -PAGE, mapping['name'] + ' RELRO'
            elif kind == 'LOAD' and not writable:
                yield start & -PAGE, (end + PAGE - 1) & -PAGE, mapping['name']


def check(path, root):
    mappings = read_smaps(path)
    count = 0
    for start, end, what in spans(mappings, root):
        count += 1
        for page in range(start, end, PAGE):
            held = [m for m in mappings if m['start'] <= page < m['end']]
            if not held or not held[0]['sealed'] or 'w' in held[0]['perm']:
                print(f'{path}: {page:#x} {what}: {held[0]["perm"] if held else "not mapped"}')
    if count < 4:
        print(f'{path}: only {count} spans found')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--proc', default='/proc')
    parser.add_argument('--root', default='')
    parser.add_argument('pid', nargs='+', type=int)
    args = parser.parse_args()
    for pid in args.pid:
        check(f'{args.proc}/{pid}/smaps', args.root)


main()
