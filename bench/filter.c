/* SPDX-License-Identifier: MIT */
/*
 * What a filter costs: memory calls that touch no seal, beside 1 to 1,250 sealed ranges, under the
 * generated tree, under a filter that compares one range after the other, and under mseal(2). Also
 * getpid and read, which no filter here judges.
 *
 * Every configuration runs in children of its own, in turns, so that what else the machine does
 * hits all of them. Printed are medians: nanoseconds a call, and how many times those of the same
 * turn under a filter that allows all.
 */
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
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
#include "model/bpf-emit.h"
#include "model/bpf-tree.h"

#define ROUNDS 15
#define LOOPS  2000

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
static char *sealed;  /* two pages of every four */
static char *scratch; /* pages that are not sealed: the first stays, the last comes and goes */
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

static void one(enum measured what, uint64_t addr, int i)
{
	char byte;

	switch (what) {
	case MPROTECT:
		sys_mprotect(addr, page, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
		break;
	case GETPID:
		sys_getpid();
		break;
	default:
		(void)!sys_read(zero, &byte, 1);
	}
}

/* Maps, touches, discards and unmaps in turns, with a clock for each call. */
static void measure_mapping(uint64_t addr, struct times *ret)
{
	for (int i = 0; i < LOOPS; i++) {
		double start = now(), mapped, touched, discarded;

		sys_mmap(addr, page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		mapped = now();
		*(volatile char *)addr = 1;
		touched = now();
		sys_madvise(addr, page, MADV_DONTNEED);
		discarded = now();
		sys_munmap(addr, page);
		ret->ns[MUNMAP] += (now() - discarded) / LOOPS;
		ret->ns[MADVISE] += (discarded - touched) / LOOPS;
		ret->ns[MMAP] += (mapped - start) / LOOPS;
	}
}

static void measure(struct times *ret)
{
	static const enum measured alone[] = { MPROTECT, GETPID, READ };
	uint64_t addr = (uintptr_t)scratch;

	memset(ret, 0, sizeof(*ret));
	for (size_t what = 0; what < ARRAY_SIZE(alone); what++) {
		double start = now();

		for (int i = 0; i < LOOPS; i++)
			one(alone[what], addr, i);
		ret->ns[alone[what]] = (now() - start) / LOOPS;
	}
	measure_mapping(addr + 16 * page, ret);
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

static struct bpf_range *make_ranges(size_t count)
{
	struct bpf_range *ranges = calloc(count, sizeof(*ranges));

	sealed = mmap(NULL, (count * 4 + 64) * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!ranges || sealed == MAP_FAILED)
		exit(EXIT_FAILURE);
	for (size_t i = 0; i < count; i++) {
		ranges[i].start = (uintptr_t)sealed + i * 4 * page;
		ranges[i].end = ranges[i].start + 2 * page;
		ranges[i].effects = MEMSEAL_ALL;
	}
	scratch = sealed + (count * 4 + 32) * page;
	return ranges;
}

int main(void)
{
	struct times(*times)[GUARDS] = mmap(NULL, ROUNDS * sizeof(*times), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	page = (size_t)sysconf(_SC_PAGESIZE);
	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (times == MAP_FAILED || zero < 0)
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
		munmap(sealed, (sizes[i] * 4 + 64) * page);
		free(ranges);
	}
	return EXIT_SUCCESS;
}
