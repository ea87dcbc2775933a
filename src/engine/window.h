/* SPDX-License-Identifier: MIT */
/*
 * Windows: memory whose seals cost no filter each. One filter holds a whole window of the address
 * space, before anything is mapped there, with WINDOW_EFFECTS: what is mapped in it can lose
 * rights, and never gains any, nor is it replaced, moved, discarded or unmapped.
 * mprotect(PROT_READ) of writable memory there is a seal.
 *
 * The window lies in the zone (model/zone.h) at random. The filter outlives execve(2), and no
 * image, heap, stack or mmap area of a program comes to lie there: it is in nobody's way.
 *
 * Whether to use filters at all is for the program to say, and is asked above this floor.
 */
#ifndef MEMSEAL_ENGINE_WINDOW_H
#define MEMSEAL_ENGINE_WINDOW_H

#include <memseal.h>

#include "base/util.h"
#include "model/zone.h"

#define WINDOW_EFFECTS (MEMSEAL_RATCHET | MEMSEAL_NO_DISCARD)

/*
 * The window of this copy of the library, from *ret_base on for ZONE_WINDOW bytes; where there is
 * none yet, its filter is installed. Threads wait for the one that does. Children of fork(2) go on
 * using their parent's. That the filter is in force is not remembered but asked, each time.
 *
 * -EADDRNOTAVAIL  no window can be had: no zone, or something mapped in each part of it (a
 *                 sanitizer may reserve all addresses), or no random numbers
 * -ESRCH          a thread has a filter of its own; nothing is installed
 * -EBUSY          an io_uring is open; the filter may be installed, and is used by the next call
 * -EPERM          the personality is READ_IMPLIES_EXEC
 * -ENOMEM         no memory, or no more filters in this process
 * -EOPNOTSUPP     no filters here; or another one refuses so much that it could not be told
 *                 whether this one is in force
 * or what reading /proc/self answers
 */
int window_open(uint64_t *ret_base) MUST_CHECK NONNULL(1);

/*
 * Maps len bytes, rounded up to pages, in the window; align is a power of two. flags are those of
 * mmap(2) without MAP_FIXED; offset 0. prot must be the most that the memory will ever need. Never
 * replaces anything. Memory that is mapped in turn lies side by side, so that the kernel joins what
 * is sealed to one mapping.
 *
 * The address, or a negative errno (sys_failed()): as window_open(), which it calls first, and
 * mmap(2); -EADDRNOTAVAIL also for want of room, -EINVAL for an empty len.
 */
long window_map(size_t len, size_t align, int prot, int flags, int fd) MUST_CHECK;

/*
 * The same at random in the zone, where no window is, in memory of its own: for what must still be
 * replaced or unmapped, and is to be held by a filter of its own that does as little harm after
 * execve(2). Makes no window.
 */
long zone_map(size_t len, size_t align, int prot, int flags, int fd) MUST_CHECK;

#endif
