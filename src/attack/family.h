/* SPDX-License-Identifier: MIT */
/*
 * What the families of attacks share. Each attack_FAMILY_*() is a run function of the catalogue:
 * its argument is described in front of it.
 */
#ifndef MEMSEAL_ATTACK_FAMILY_H
#define MEMSEAL_ATTACK_FAMILY_H

#include <errno.h>
#include <linux/io_uring.h>

#include "attack/attack.h"
#include "attack/sys.h"

/* An answer that is no answer of the kernel to the attack: it was not tried, because of error. */
static inline int attack_untried(int error)
{
	return error - (SYS_MAX_ERRNO + 1);
}

/* Anything the kernel says but an error is a success. */
static inline int attack_answer(long ret)
{
	return sys_failed(ret) ? (int)ret : 0;
}

/* From now on the calling process has a few seconds; then SIGALRM kills it. */
void attack_set_timeout(void);

/* Waits for a child, whatever signal it was forked with. */
pid_t attack_wait(pid_t pid, int *ret_status);

/* What attacks write: neither 0 nor what the watched page begins with. */
unsigned char attack_byte(const struct attack_target *target);

/* New private anonymous memory full of attack_byte(), or a negative errno. */
long attack_map_filled(const struct attack_target *target, size_t len);

/* Append to a path that has room for it, and return its new end. */
char *attack_put(char *to, const char *text);
char *attack_put_number(char *to, unsigned number);

/* Calls fn in a child, with the process id of the attacked process: its answer. */
int attack_from_child(const struct attack_target *target, int arg,
	int (*fn)(const struct attack_target *target, int arg, pid_t victim));

/* Which part of the target an attack is made on. */
enum attack_part {
	ATTACK_WHOLE,
	ATTACK_PART,   /* the watched page */
	ATTACK_AROUND, /* all of it and a page on each side */
};

struct attack_span {
	uint64_t addr;
	size_t len;
};

static inline struct attack_span attack_span_of(
	const struct attack_target *target, enum attack_part part)
{
	struct attack_span span = { target->addr, target->len };

	if (part == ATTACK_PART)
		span = (struct attack_span){ target->watched, target->page };
	else if (part == ATTACK_AROUND)
		span = (struct attack_span){ target->addr - target->page,
			target->len + 2 * target->page };
	return span;
}

/* An io_uring of one entry. With IORING_SETUP_SQPOLL a thread of the kernel's looks for it. */
struct attack_ring {
	int fd;
	unsigned char *rings; /* both queues: IORING_FEAT_SINGLE_MMAP */
	struct io_uring_sqe *entries;
	struct io_uring_params params;
};

/* 0 or a negative errno; never closed. */
int attack_ring_open(struct attack_ring *ring, unsigned flags);

/* What the kernel answers to madvise(2) of the target by way of the ring. */
int attack_ring_advise(struct attack_ring *ring, const struct attack_target *target, int advice);

/* arg: enum attack_part */
int attack_munmap(const struct attack_target *target, int arg);
int attack_map_fixed(const struct attack_target *target, int arg);
int attack_shmat(const struct attack_target *target, int arg);
int attack_remap_file_pages(const struct attack_target *target, int arg);

/* arg: unused */
int attack_mremap_same(const struct attack_target *target, int arg);
int attack_mremap_grow(const struct attack_target *target, int arg);
int attack_mremap_grow_away(const struct attack_target *target, int arg);
int attack_mremap_grow_neighbour(const struct attack_target *target, int arg);
int attack_mremap_shrink(const struct attack_target *target, int arg);
int attack_mremap_duplicate(const struct attack_target *target, int arg);

/* arg: more flags of mremap(2) */
int attack_mremap_onto(const struct attack_target *target, int arg);

/* arg: enum attack_part */
int attack_mremap_away(const struct attack_target *target, int arg);
int attack_mremap_dontunmap(const struct attack_target *target, int arg);

/* arg: protection */
int attack_mprotect(const struct attack_target *target, int arg);
int attack_mprotect_part(const struct attack_target *target, int arg);

/* arg: with a key of its own? Otherwise without one. The protection is read-write. */
int attack_pkey_mprotect(const struct attack_target *target, int arg);

/* arg: advice */
int attack_madvise(const struct attack_target *target, int arg);
int attack_madvise_part(const struct attack_target *target, int arg);
int attack_process_madvise(const struct attack_target *target, int arg);
int attack_process_madvise_child(const struct attack_target *target, int arg);
int attack_io_uring_madvise(const struct attack_target *target, int arg);

/* arg: unused, but for msync(2): its flags */
int attack_mlock(const struct attack_target *target, int arg);
int attack_munlock(const struct attack_target *target, int arg);
int attack_mbind(const struct attack_target *target, int arg);
int attack_move_pages(const struct attack_target *target, int arg);
int attack_msync(const struct attack_target *target, int arg);

/* arg: UFFDIO_REGISTER_MODE_* */
int attack_uffd_register(const struct attack_target *target, int arg);

/* arg: should the page be discarded first? */
int attack_uffd_copy(const struct attack_target *target, int arg);
int attack_uffd_move_to(const struct attack_target *target, int arg);

/* arg: unused */
int attack_uffd_move_from(const struct attack_target *target, int arg);
int attack_uffd_protect(const struct attack_target *target, int arg);

/* arg: PTRACE_POKE* */
int attack_ptrace_poke(const struct attack_target *target, int arg);

/* arg: unused */
int attack_proc_mem(const struct attack_target *target, int arg);
int attack_proc_mem_child(const struct attack_target *target, int arg);
int attack_vm_writev(const struct attack_target *target, int arg);
int attack_read_into(const struct attack_target *target, int arg);

/* arg: unused; these change the file */
int attack_file_pwrite(const struct attack_target *target, int arg);
int attack_file_truncate(const struct attack_target *target, int arg);
int attack_file_punch(const struct attack_target *target, int arg);
int attack_file_map(const struct attack_target *target, int arg);
int attack_file_map_files(const struct attack_target *target, int arg);
int attack_file_reopen(const struct attack_target *target, int arg);

/* arg: F_SEAL_* */
int attack_file_add_seals(const struct attack_target *target, int arg);

/* arg: protection; enum attack_part; unused */
int attack_fork_mprotect(const struct attack_target *target, int arg);
int attack_fork_munmap(const struct attack_target *target, int arg);
int attack_fork_write(const struct attack_target *target, int arg);

#endif
