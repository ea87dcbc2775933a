/* SPDX-License-Identifier: MIT */
/* Advice, from every caller that can give it. */
#include <sys/mman.h>
#include <sys/uio.h>

#include "attack/family.h"

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

static long ring_map(int fd, size_t len, uint64_t offset)
{
	return sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

static int ring_open(struct attack_ring *ring, unsigned flags)
{
	struct io_uring_params *p = &ring->params;
	long at;

	*p = (struct io_uring_params){ .flags = flags, .sq_thread_idle = 60000 /* ms */ };
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

/* The only entry. */
static struct io_uring_sqe *ring_entry(struct attack_ring *ring)
{
	struct io_uring_params *p = &ring->params;
	uint32_t *array = (uint32_t *)(void *)(ring->rings + p->sq_off.array);

	array[0] = 0;
	ring->entries[0] = (struct io_uring_sqe){ .opcode = IORING_OP_NOP };
	return &ring->entries[0];
}

static uint32_t *ring_word(struct attack_ring *ring, uint32_t offset)
{
	return (uint32_t *)(void *)(ring->rings + offset);
}

/* Submits the entry and waits for what became of it: by a call, or with a thread that polls. */
static int ring_submit(struct attack_ring *ring)
{
	struct io_uring_params *p = &ring->params;
	uint32_t *head = ring_word(ring, p->cq_off.head), *tail = ring_word(ring, p->cq_off.tail);
	struct io_uring_cqe *done = (void *)(ring->rings + p->cq_off.cqes);
	int r = 0;

	__atomic_fetch_add(ring_word(ring, p->sq_off.tail), 1, __ATOMIC_RELEASE);
	if (!(p->flags & IORING_SETUP_SQPOLL))
		r = sys_io_uring_enter(ring->fd, 1, 1, IORING_ENTER_GETEVENTS);
	if (r < 0)
		return attack_untried(r);
	while (__atomic_load_n(tail, __ATOMIC_ACQUIRE) == *head)
		;
	r = done[*head & (p->cq_entries - 1)].res;
	__atomic_fetch_add(head, 1, __ATOMIC_RELEASE);
	return r;
}

/* A polling thread is asleep at first, and has to be called once. */
int attack_ring_open(struct attack_ring *ring, unsigned flags)
{
	int r = ring_open(ring, flags);

	if (r < 0 || !(flags & IORING_SETUP_SQPOLL))
		return r;
	(void)ring_entry(ring);
	r = sys_io_uring_enter(ring->fd, 0, 0, IORING_ENTER_SQ_WAKEUP);
	return r < 0 ? r : ring_submit(ring);
}

int attack_ring_advise(struct attack_ring *ring, const struct attack_target *target, int advice)
{
	struct io_uring_sqe *entry = ring_entry(ring);

	entry->opcode = IORING_OP_MADVISE;
	entry->addr = target->addr;
	entry->len = (uint32_t)target->len;
	entry->fadvise_advice = (uint32_t)advice;
	return ring_submit(ring);
}

/* The ring is left to the end of the attacked process. */
int attack_io_uring_madvise(const struct attack_target *target, int arg)
{
	struct attack_ring ring;
	int r = advice_known(target, arg);

	if (r < 0)
		return r;
	r = attack_ring_open(&ring, 0);
	return r < 0 ? attack_untried(r) : attack_ring_advise(&ring, target, arg);
}
