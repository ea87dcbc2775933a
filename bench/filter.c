/* SPDX-License-Identifier: MIT */
/*
 * What a filter costs: memory calls that touch no seal, beside 1 to 1,250 sealed ranges, under the
 * generated tree, under a filter that compares one range after the other, and under mseal(2). Also
 * getpid and read, which no filter here judges. The argument is how many pages a memory call is
 * about, all of them in use: 16 by default. The fewer, the less the kernel has to do, and the more
 * of the time is the filter's.
 *
 * Every configuration runs in children of its own, in turns and on one processor, so that what else
 * the machine does hits all of them. Printed are medians: nanoseconds a call, and how many times
 * those of the same turn under a filter that allows all. bench/filter-picture draws them.
 */
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"
#include "engine/filter.h"
#include "bpf/emit.h"
#include "bpf/tree.h"

#define ROUNDS 41
#define LOOPS  2000
#define TURNS  10 /* of mapping, protecting, discarding and unmapping */
#define PIECES 64 /* of memory */

enum guard { NOTHING, ALLOW_ALL, TREE, LINEAR, MSEAL, GUARDS };

static const char *const guard_names[] = { "no filter", "allow all", "tree", "linear", "mseal" };

enum measured { MPROTECT, MMAP, MUNMAP, MADVISE, GETPID, READ, MEASURED };

static const char *const measured_names[] = { "mprotect", "mmap", "munmap", "madvise", "getpid",
	"read" };

static const size_t sizes[] = { 1, 10, 100, 500, 1250 };

struct times {
	double ns[MEASURED];
};

static size_t page;
static size_t piece;      /* bytes, of each of PIECES in a row; a page between them is free */
static uint64_t scratch;  /* where they come and go */
static uint64_t reserved; /* all the memory: two pages of every four sealed, and scratch */
static int zero;

static int install(const struct sock_filter *program, unsigned length)
{
	struct sock_fprog fprog = { (unsigned short)length, (struct sock_filter *)program };

	return sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &fprog);
}

/*
 * One range after the other, each of 64 bits: what a filter looks like without a tree. It judges
 * the four calls that are measured, by address and length alone.
 */
static int install_linear(const struct bpf_range *ranges, size_t count)
{
	static const uint32_t calls[] = { NR_mmap, NR_mprotect, NR_munmap, NR_madvise };
	static struct sock_filter room[BPF_MAXINSNS];
	struct emit emit = { .end = room + BPF_MAXINSNS, .capacity = BPF_MAXINSNS };
	unsigned next, judge;

	emit.refuse = EMIT(&emit, RETURN(SECCOMP_RET_ERRNO | EPERM));
	next = emit.allow = EMIT(&emit, RETURN(SECCOMP_RET_ALLOW));
	for (size_t i = 0; i < count; i++) {
		uint64_t start = ranges[i].start, last = ranges[i].end - 1;
		unsigned below, low;

		emit_jump(&emit, BPF_JGT, (uint32_t)start, emit.refuse, next);
		low = EMIT(&emit, LOAD(END_LOW));
		low = emit_jump(&emit, BPF_JEQ, (uint32_t)(start >> 32), low, next);
		emit_jump(&emit, BPF_JGT, (uint32_t)(start >> 32), emit.refuse, low);
		below = EMIT(&emit, LOAD(END_HIGH));
		emit_jump(&emit, BPF_JGT, (uint32_t)last, next, below);
		low = EMIT(&emit, LOAD(ADDR_LOW));
		low = emit_jump(&emit, BPF_JEQ, (uint32_t)(last >> 32), low, below);
		emit_jump(&emit, BPF_JGT, (uint32_t)(last >> 32), next, low);
		next = EMIT(&emit, LOAD(ADDR_HIGH));
	}
	emit_goto(&emit, next);
	judge = EMIT(&emit, LOAD(END_HIGH), ADD(1), STORE(END_HIGH));
	emit_jump(&emit, BPF_JGE | BPF_X, 0, next, judge);
	judge = EMIT(&emit, LOAD_HIGH(1), TAX, LOAD_HIGH(0), STORE(ADDR_HIGH), ADD_X,
		STORE(END_HIGH), LOAD_LOW(1), TAX, LOAD_LOW(0), STORE(ADDR_LOW), ADD_X,
		STORE(END_LOW));
	next = emit.allow;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		next = emit_jump(&emit, BPF_JEQ, calls[i], judge, next);
	EMIT(&emit, LOAD_NR);
	return emit.overflow ? -E2BIG : install(emit.end - emit.count, emit.count);
}

static int guard(enum guard guard, const struct bpf_range *ranges, size_t count)
{
	const struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };
	struct filter_report report;
	struct bpf_policy policy;
	size_t at = 0;
	int r = 0;

	switch (guard) {
	case ALLOW_ALL:
		return install(allow, 1);
	case TREE:
		filter_policy(&policy);
		return filter_install(&policy, ranges, count, &report);
	case LINEAR: /* as many as it takes */
		for (; r == 0 && at < count; at += 400)
			r = install_linear(ranges + at, min_u64(count - at, 400));
		return r;
	case MSEAL:
		for (; r == 0 && at < count; at++)
			r = sys_mseal(ranges[at].start, ranges[at].end - ranges[at].start, 0);
		return r;
	default:
		return 0;
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint64_t piece_at(int i)
{
	return scratch + (uint64_t)i * (piece + page);
}

static void touch_pieces(void)
{
	for (int i = 0; i < PIECES; i++)
		for (size_t at = 0; at < piece; at += page)
			*(volatile char *)(uintptr_t)(piece_at(i) + at) = 1;
}

static void one(enum measured what, uint64_t addr, int prot)
{
	char byte;

	switch (what) {
	case MPROTECT:
		sys_mprotect(addr, piece, prot);
		break;
	case MMAP:
		sys_mmap(addr, piece, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case MUNMAP:
		sys_munmap(addr, piece);
		break;
	case MADVISE:
		sys_madvise(addr, piece, MADV_DONTNEED);
		break;
	case GETPID:
		sys_getpid();
		break;
	default:
		(void)!sys_read(zero, &byte, 1);
	}
}

/* Nanoseconds for each of count calls, one a piece. */
static double many(enum measured what, int count, int prot)
{
	double start = now();

	for (int i = 0; i < count; i++)
		one(what, piece_at(i % PIECES), prot);
	return (now() - start) / count;
}

static void measure(struct times *ret)
{
	const int writable = PROT_READ | PROT_WRITE;

	memset(ret, 0, sizeof(*ret));
	ret->ns[GETPID] = many(GETPID, LOOPS, 0);
	ret->ns[READ] = many(READ, LOOPS, 0);
	for (int turn = 0; turn < TURNS; turn++) {
		ret->ns[MMAP] += many(MMAP, PIECES, writable) / TURNS;
		touch_pieces();
		ret->ns[MPROTECT] += many(MPROTECT, PIECES, PROT_READ) / TURNS / 2;
		ret->ns[MPROTECT] += many(MPROTECT, PIECES, writable) / TURNS / 2;
		ret->ns[MADVISE] += many(MADVISE, PIECES, 0) / TURNS;
		touch_pieces();
		ret->ns[MUNMAP] += many(MUNMAP, PIECES, 0) / TURNS;
	}
}

static void run(enum guard which, const struct bpf_range *ranges, size_t count, struct times *ret)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || guard(which, ranges, count) < 0)
			_exit(1);
		measure(ret); /* warm */
		measure(ret);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "%s of %zu ranges could not be measured\n", guard_names[which],
			count);
		exit(EXIT_FAILURE);
	}
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static void report(struct times (*times)[GUARDS], size_t count)
{
	double values[ROUNDS], ratios[ROUNDS];

	for (int which = 0; which < GUARDS; which++) {
		printf("%6zu  %-10s", count, guard_names[which]);
		for (int what = 0; what < MEASURED; what++) {
			for (int round = 0; round < ROUNDS; round++) {
				values[round] = times[round][which].ns[what];
				ratios[round] = values[round] / times[round][ALLOW_ALL].ns[what];
			}
			printf(" %7.0f %5.2f", median(values), median(ratios));
		}
		putchar('\n');
	}
}

static size_t reserved_size(size_t count)
{
	return count * 4 * page + PIECES * (piece + page);
}

/* Scratch lies behind a third of them, where a search turns as often left as right. */
static struct bpf_range *make_ranges(size_t count)
{
	struct bpf_range *ranges = calloc(count, sizeof(*ranges));
	size_t before = (count + 2) / 3;
	long at = sys_mmap(0, reserved_size(count), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!ranges || sys_failed(at))
		exit(EXIT_FAILURE);
	reserved = (uint64_t)at;
	scratch = reserved + before * 4 * page;
	for (size_t i = 0; i < count; i++) {
		ranges[i].start = i < before ? reserved + i * 4 * page
					     : piece_at(PIECES) + (i - before) * 4 * page;
		ranges[i].end = ranges[i].start + 2 * page;
		ranges[i].effects = MEMSEAL_ALL;
	}
	if (sys_munmap(scratch, PIECES * (piece + page)) < 0)
		exit(EXIT_FAILURE);
	return ranges;
}

/* Processors differ, and so does what runs on them. */
static bool stay_on_this_processor(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (cpu < 0)
		return false;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

int main(int argc, char **argv)
{
	struct times(*times)[GUARDS] = mmap(NULL, ROUNDS * sizeof(*times), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long pages = argc == 2 ? strtoul(argv[1], NULL, 10) : 16;

	if (argc > 2 || pages < 1 || pages > 1024) {
		fprintf(stderr, "usage: bench-filter [PAGES], from 1 to 1024\n");
		return 2;
	}
	page = (size_t)sysconf(_SC_PAGESIZE);
	piece = pages * page;
	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (times == MAP_FAILED || zero < 0 || !stay_on_this_processor())
		return EXIT_FAILURE;
	printf("ranges  guard     ");
	for (int what = 0; what < MEASURED; what++)
		printf(" %13s", measured_names[what]);
	putchar('\n');
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct bpf_range *ranges = make_ranges(sizes[i]);

		for (int round = 0; round < ROUNDS; round++)
			for (int which = 0; which < GUARDS; which++)
				run((enum guard)which, ranges, sizes[i], &times[round][which]);
		report(times, sizes[i]);
		sys_munmap(reserved, reserved_size(sizes[i]));
		free(ranges);
	}
	return EXIT_SUCCESS;
}
