/* SPDX-License-Identifier: MIT */
#include "base/owner-lock.h"

#include <limits.h>
#include <linux/futex.h>

#include "base/sys.h"

/* A thread does not wait for itself: it has the number of its parent's, in another namespace. */
static bool lives(uint32_t thread, uint32_t self)
{
	return thread != self && sys_tgkill(sys_getpid(), (pid_t)thread, 0) != -ESRCH;
}

void owner_lock_take(struct owner_lock *lock)
{
	uint32_t self = (uint32_t)sys_gettid(), holder;

	for (;;) {
		holder = __atomic_load_n(&lock->holder, __ATOMIC_RELAXED);
		if (holder && lives(holder, self))
			(void)sys_futex(&lock->holder, FUTEX_WAIT_PRIVATE, holder, NULL);
		else if (__atomic_compare_exchange_n(&lock->holder, &holder, self, false,
				 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
	}
}

void owner_lock_release(struct owner_lock *lock)
{
	__atomic_store_n(&lock->holder, 0, __ATOMIC_RELEASE);
	(void)sys_futex(&lock->holder, FUTEX_WAKE_PRIVATE, INT_MAX, NULL);
}
