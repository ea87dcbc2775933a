#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
agent.py BUILD PROGRAM: the agent in agent-walked, under every disturbance while it seals what that opens:
limits, no more mappings, a thread that forks, opens or writes, a fork at its system calls. Whatever
memseal map then reports as sealed is attacked inside of the process, and what it reports as locked from
outside; what was opened and is not sealed must have been told. What a filter holds nothing reports:
everything is attacked, and what gives way must have been told.
"""
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading

build = sys.argv[1]
program, agent = sys.argv[2], f'{build}/tests/libmemseal-agent-faulty.so'
OBJECTS = ['libm.so.6', 'libcrypt.so.1', './absent.so', 'librt.so.1']
OPTIONS = ['', 'data', 'strict,data', 'filter']
FIXED_KINDS = 'text', 'rodata', 'relro'
# A process that hangs is killed: what it was asked has no answer then. Seconds.
PATIENCE = 60
# Of the agent, from when the program is there: each with other options.
CALLS = 60, 200, 9


def disturbances(number):
    yield 'none', {}
    for limit in resource.RLIMIT_AS, resource.RLIMIT_DATA:
        for left in 0, 2, 8, 30, 256, 300, 600, 900:
            yield f'limit={limit},{left}', {}
    for left in range(5):
        yield f'limit={resource.RLIMIT_NOFILE},{left}', {}
    for limit in resource.RLIMIT_FSIZE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_STACK, resource.RLIMIT_NPROC:
        yield f'limit={limit},0', {}
    # Each takes a second, for there are 65,530 of them.
    for left in 0, 6, 14, 40:
        yield f'maps={left}', {}
    for thread in 'forks', 'opens', 'writes':
        yield thread, {}
    first, end, step = CALLS
    for nth in range(first + number * step // len(OPTIONS), end, step):
        yield 'fork-at-call', {'MEMSEAL_MEET': str(nth)}


@contextlib.contextmanager
def started(what, options, more):
    env = dict(os.environ, **more)
    if options is not None:
        env.update(LD_PRELOAD=agent, MEMSEAL_AGENT=options)
    # A group of its own, with the children that hold its pipes.
    with subprocess.Popen([program, what, *OBJECTS], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        timer = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()


def mappings(pid):
    # It gives a process one second: on a busy machine 65,530 mappings can take longer.
    for _ in range(20):
        done = subprocess.run([f'{build}/memseal', 'map', '--json', str(pid)], capture_output=True,
                              text=True, check=False)
        if done.returncode == 0:
            return json.loads(done.stdout)['mappings']
    sys.exit(f'memseal map: {done.stderr}')


def attacked(process, mapping):
    print(mapping['start'][2:], mapping['end'][2:], mapping['perm'][1], file=process.stdin, flush=True)
    return process.stdout.readline().strip()


def is_locked(process, mapping):
    with open(f'/proc/{process.pid}/mem', 'r+b', buffering=0) as mem:
        at = int(mapping['start'], 16)
        try:
            mem.seek(at)
            byte = mem.read(1)
            mem.seek(at)
            mem.write(byte)
        except OSError:
            return True
    return False


def is_of(mapping, names):
    """Is it of one of these files? The versions of some are longer than the names that they are opened by."""
    return os.path.basename(mapping['object'] or '').startswith(tuple(names))


def held_by_filter(process, seen, absent):
    """How many mappings are, and the objects that have others. What is left of one that was not opened is not."""
    held, silent = 0, set()
    for mapping in seen:
        if mapping['kind'] not in FIXED_KINDS or mapping['perm'][0] != 'r' or is_of(mapping, absent):
            continue
        if attacked(process, mapping) == 'held':
            held += 1
        else:
            silent.add(mapping['object'])
    return held, silent


def walk(what, options, more):
    """How many mappings were sealed, and what is wrong, or None."""
    with started(what, options, more) as process:
        line = process.stdout.readline()
        if not line.startswith('ready'):
            process.kill()
            return 0, f'{line} {process.stderr.read()}'
        opened = [os.path.basename(name) for name in line.split()[1:]]
        seen, wrong, silent = mappings(process.pid), None, set()
        sealed = sum(mapping['sealed'] for mapping in seen)
        if options == 'filter':
            absent = {os.path.basename(name) for name in OBJECTS}.difference(opened)
            sealed, silent = held_by_filter(process, seen, absent)
        for mapping in seen if options != 'filter' else []:
            if not mapping['sealed'] and mapping['kind'] in FIXED_KINDS and is_of(mapping, opened):
                silent.add(mapping['object'])
        for mapping in [mapping for mapping in seen if mapping['sealed']]:
            if mapping['kind'] in ('vdso', 'vvar') or mapping['perm'][0] != 'r':
                continue
            answer = attacked(process, mapping)
            if answer != 'held':
                wrong = f'{mapping}: {answer}'
                break
            if mapping['content'] == 'locked' and not is_locked(process, mapping):
                wrong = f'{mapping}: written through mem'
        process.stdin.close()
        errors = process.stderr.read()
        if silent and 'memseal: ' not in errors:
            wrong = wrong or f'{silent} are open, and nobody was told'
        return sealed, wrong


sealed, wrong = walk('none', None, {})
if sealed or 'nobody was told' not in wrong:
    sys.exit(f'without the agent: {sealed} sealed, {wrong}')
with started('none', None, {}) as control:
    control.stdout.readline()
    text = next(m for m in mappings(control.pid) if m['kind'] == 'text' and 'libc.so' in m['object'])
    if attacked(control, text) != 'mprotect to rwx':
        sys.exit('without the agent: an attack has failed')
    control.kill()
tried = 0
for number, options in enumerate(OPTIONS):
    for what, more in disturbances(number):
        sealed, wrong = walk(what, options, more)
        tried += 1
        if wrong or sealed < 10:
            sys.exit(f'{options or "kernel"}, {what}, {more}: {sealed} sealed, {wrong}')
print(f'{tried} disturbances')
