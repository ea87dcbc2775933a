#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
fault-walk.py AGENT OPTIONS each|turns PROGRAM ARG...: makes the 1st, 2nd, ... system call of the agent fail, until
there is none left, and checks each time that the program did not start and said why, or is covered, or
somebody was told what is not, and that nothing was left behind. each: every call fails in each way;
turns: it is answered without being made, and fails in two of the other ways, which take turns.
"""
import os
import subprocess
import sys

# Not EPERM: mremap(2) of a page onto itself answers that for a sealed page, so that one answer cannot
# be a mistake; that all are is tested elsewhere. 0: the call is not made, and answered all the same, as
# by a seccomp filter.
ANSWERED = 'nothing'
ERRNOS = {ANSWERED: 0, 'EINTR': 4, 'EIO': 5, 'ENOMEM': 12, 'EINVAL': 22, 'ENOSYS': 38}
MOST = 2000

agent, options, ways, *command = sys.argv[1:]


def run(fault=None):
    env = dict(os.environ, LD_PRELOAD=agent, MEMSEAL_AGENT=options)
    if fault:
        env['MEMSEAL_FAULT'] = fault
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def kept(lines):
    """Mappings and descriptors, as the program counts them in its third line."""
    words = lines[2].split()
    return int(words[1]), int(words[3])


def is_honest(status, lines, stderr, name):
    if name == ANSWERED and status < 0:
        return not lines  # ended before main()
    if status == 125:
        return not lines and stderr.startswith('memseal: ') and '; not started' in stderr
    if status != 0 or lines[0] != 'main':
        return False
    # An unmapping that was made to fail leaves a mapping; nothing else may be left.
    (mappings, fds), (mappings_before, fds_before) = kept(lines), kept(undisturbed)
    if name != ANSWERED and (mappings > mappings_before + 1 or fds != fds_before):
        return False
    return lines[1] == 'covered' or 'memseal: ' in stderr


def walk(errno_of):
    refused = 0
    for nth in range(1, MOST):
        name = errno_of(nth)
        status, lines, stderr = run(f'{nth},{ERRNOS[name]}')
        if not is_honest(status, lines, stderr, name):
            sys.exit(f'call {nth} fails with {name}: status {status}\n{lines}\n{stderr}')
        refused += status == 125
        if 'fault not reached' in stderr:
            break
    # The last run was undisturbed, some before it were not.
    if kept(lines) != kept(undisturbed) or nth <= 30 or refused <= 3:
        sys.exit(f'{nth} calls, {refused} refusals, at the end {lines}, before {undisturbed}')


status, undisturbed, _ = run()
if status != 0 or undisturbed[1] != 'covered':
    sys.exit(f'without a fault: status {status}, {undisturbed}')
errors = [name for name in ERRNOS if name != ANSWERED]
walk(lambda nth: ANSWERED)
if ways == 'each':
    for error in errors:
        walk(lambda nth, error=error: error)
else:
    for shift in 0, 2:
        walk(lambda nth, shift=shift: errors[(nth + shift) % len(errors)])
