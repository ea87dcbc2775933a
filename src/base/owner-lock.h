/* SPDX-License-Identifier: MIT */
/*
 * A lock that a child of fork(2) is never locked out by: it is held by a thread, and one that only
 * the parent has does not hold it. What it guarded may be half done then. Freestanding; not
 * async-signal-safe.
 */
#ifndef MEMSEAL_BASE_OWNER_LOCK_H
#define MEMSEAL_BASE_OWNER_LOCK_H

#include <stdint.h>

struct owner_lock {
	uint32_t holder; /* a thread's id, or 0; a futex */
};

void owner_lock_take(struct owner_lock *lock);
void owner_lock_release(struct owner_lock *lock);

#endif
