/* SPDX-License-Identifier: MIT */
/* Advice, from every caller that can give it. */
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "family.h"

/* An unknown advice is refused even where there is nothing to advise. */
static int advice_known(const struct attack_target *target, int advice)
{
	int r = sys_madvise(target->addr, 0, advice);

	return r == -EINVAL ? attack_untried(r) : 0;
}

int attack_madvise(const struct attack_target *target, int arg)
{
	int r = advice_known(target, arg);

	return r < 0 ? r : sys_madvise(target->addr, target->len, arg);
}

int attack_madvise_part(const struct attack_target *target, int arg)
{
	int r = advice_known(target, arg);

	return r < 0 ? r : sys_madvise(target->watched, target->page, arg);
}

static int advise_process(const struct attack_target *target, int arg, pid_t victim)
{
	struct iovec range = { (void *)(uintptr_t)target->addr, target->len };
	CLEANUP(sys_close_cleanup) int pidfd = sys_pidfd_open(victim, 0);

	if (pidfd < 0)
		return attack_untried(pidfd);
	/* Nothing at all is advised: EPERM is for want of CAP_SYS_NICE then. */
	if (sys_process_madvise(pidfd, &range, 0, arg, 0) == -EPERM)
		return attack_untried(-EPERM);
	return attack_answer(sys_process_madvise(pidfd, &range, 1, arg, 0));
}

int attack_process_madvise(const struct attack_target *target, int arg)
{
	int r = advice_known(target, arg);

	return r < 0 ? r : advise_process(target, arg, sys_getpid());
}

int attack_process_madvise_child(const struct attack_target *target, int arg)
{
	int r = advice_known(target, arg);

	return r < 0 ? r : attack_from_child(target, arg, advise_process);
}

struct ring {
	int fd;
	unsigned char *rings; /* both queues: IORING_FEAT_SINGLE_MMAP, Linux 5.4 */
	struct io_uring_sqe *entries;
	struct io_uring_params params;
};

static long ring_map(int fd, size_t len, uint64_t offset)
{
	return sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

static int ring_open(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;
	long at;

	ring->fd = sys_io_uring_setup(1, p);
	if (ring->fd < 0)
		return ring->fd;
	at = ring_map(ring->fd, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
		IORING_OFF_SQ_RING);
	if (sys_failed(at))
		return (int)at;
	ring->rings = (unsigned char *)at;
	at = ring_map(ring->fd, sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	if (sys_failed(at))
		return (int)at;
	ring->entries = (struct io_uring_sqe *)at;
	return 0;
}

/* Submits the first entry and waits for what became of it. */
static int ring_submit(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;
	uint32_t *tail = (uint32_t *)(void *)(ring->rings + p->sq_off.tail);
	uint32_t *array = (uint32_t *)(void *)(ring->rings + p->sq_off.array);
	struct io_uring_cqe *done = (void *)(ring->rings + p->cq_off.cqes);
	int r;

	array[0] = 0;
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
	r = sys_io_uring_enter(ring->fd, 1, 1, IORING_ENTER_GETEVENTS);
	return r < 0 ? attack_untried(r) : done->res;
}

/* The ring is left to the end of the attacked process. */
int attack_io_uring_madvise(const struct attack_target *target, int arg)
{
	struct ring ring = { .fd = -1 };
	int r = advice_known(target, arg);

	if (r < 0)
		return r;
	r = ring_open(&ring);
	if (r < 0)
		return attack_untried(r);
	ring.entries[0].opcode = IORING_OP_MADVISE;
	ring.entries[0].addr = target->addr;
	ring.entries[0].len = (uint32_t)target->len;
	ring.entries[0].fadvise_advice = (uint32_t)arg;
	return ring_submit(&ring);
}
