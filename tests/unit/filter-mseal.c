/* SPDX-License-Identifier: MIT */
/*
 * The filter engine against mseal(2): twin processes with the same memory, one sealed by the
 * kernel, one by a filter, make the same random calls. The filter may allow nothing that mseal
 * refuses; every other difference must be of a kind that docs/filter.md names, and is counted.
 */
#include <check.h>
#include <errno.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "engine/filter.h"
#include "model/maps.h"

#include "../bpf/random.h"

#define PAGE       UINT64_C(4096)
#define PAGES      96 /* mapped to two thirds; calls name addresses in here alone */
#define SEALS_MAX  6
#define BATCH      16 /* calls of a pair of twins, at most: up to the first difference */
#define MADV_GUARD 102

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT(entry) ((entry) >> 63)
#define PAGEMAP_GUARD(entry)   ((entry) >> 58 & 1)

enum kind {
	SAME,
	OTHER_ERROR,   /* both refuse, with different errors; the twins are still the same */
	FILTER_ALLOWS, /* what mseal refuses: must not be */
	UNEXPECTED,    /* a difference that is not documented: must not be */
	MSEAL_CHANGED, /* both refuse, but mseal let the mappings before the seal change */
	CUT_MAPPING,   /* mremap takes one mapping; seals and calls that mseal refused cut them */
	HUGE_PAGES,    /* an address aligned to huge pages, judged as one of theirs */
	HOLES_MOVED,   /* a move of several mappings and the holes between, judged as a whole */
	KINDS,
};

static const char *const kind_texts[] = {
	[SAME] = "the same",
	[FILTER_ALLOWS] = "allowed by the filter, refused by mseal",
	[UNEXPECTED] = "not documented",
	[OTHER_ERROR] = "refused by both with different errors",
	[MSEAL_CHANGED] = "refused by both, but mseal let a part change",
	[CUT_MAPPING] = "mremap over what mseal has cut: EFAULT, allowed by the filter",
	[HUGE_PAGES] = "refused by the filter alone: from or to an address aligned to a huge page",
	[HOLES_MOVED] = "refused by the filter alone: a hole moves onto a seal or from one",
};

struct call {
	enum name name;
	uint64_t args[5];
};

struct result {
	long answer;
	uint64_t state; /* of all pages, after a call that failed and after the last one */
};

struct trial {
	uint64_t base;
	struct bpf_range seals[SEALS_MAX];
	size_t count;
	struct call calls[BATCH];
};

static struct result (*results)[BATCH]; /* shared: of the kernel's twin, of the filter's */

static uint64_t random_page(struct random *random, const struct trial *trial)
{
	return trial->base + random_below(random, PAGES) * PAGE;
}

static uint64_t random_length(struct random *random)
{
	uint64_t len = random_below(random, 12) * PAGE;

	return random_once_in(random, 6) ? len + random_below(random, 3) - 1 : len;
}

static void random_one(struct random *random, const struct trial *trial, struct call *ret)
{
	static const enum name names[] = { N_MUNMAP, N_MPROTECT, N_MPROTECT, N_MMAP, N_MADVISE,
		N_MADVISE, N_MREMAP, N_MREMAP, N_MREMAP };
	static const uint64_t advice[] = { MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK,
		MADV_WIPEONFORK, MADV_GUARD, 24, MADV_COLD, MADV_DOFORK, MADV_WILLNEED };
	uint64_t *args = ret->args;

	ret->name = names[random_below(random, ARRAY_SIZE(names))];
	args[0] = random_page(random, trial) + random_once_in(random, 30);
	args[1] = random_length(random);
	args[2] = random_below(random, 4); /* protection: not executable */
	args[3] = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	if (ret->name == N_MADVISE)
		args[2] = advice[random_below(random, ARRAY_SIZE(advice))];
	if (ret->name == N_MREMAP) {
		args[2] = random_length(random);
		args[3] = random_below(random, 8);
		args[4] = random_page(random, trial);
	}
}

static long make(const struct call *call)
{
	const uint64_t *args = call->args;

	switch (call->name) {
	case N_MUNMAP:
		return sys_munmap(args[0], args[1]);
	case N_MPROTECT:
		return sys_mprotect(args[0], args[1], (int)args[2]);
	case N_MMAP:
		return sys_mmap(args[0], args[1], (int)args[2], (int)args[3], -1, 0);
	case N_MADVISE:
		return sys_madvise(args[0], args[1], (int)args[2]);
	default:
		return sys_mremap(args[0], args[1], args[2], (int)args[3], args[4]);
	}
}

static uint64_t mix(uint64_t state, uint64_t value)
{
	return (state ^ value) * UINT64_C(0x100000001b3);
}

/* Reads a file of /proc/self; the bytes got. */
static size_t read_own(const char *path, void *buf, size_t size, uint64_t offset)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	size_t len = 0;
	ssize_t n;

	while ((n = sys_pread(fd, (char *)buf + len, size - len, offset + len)) > 0)
		len += (size_t)n;
	sys_close(fd);
	return len;
}

/* Protection of each page, and whether it holds bytes; not how the kernel cuts mappings. */
static uint64_t state_of(const struct trial *trial)
{
	static char text[1 << 16];
	uint64_t pagemap[PAGES], state = UINT64_C(0xcbf29ce484222325);
	size_t len = read_own("/proc/self/maps", text, sizeof(text), 0);
	struct mapping mapping;
	struct maps maps;

	read_own("/proc/self/pagemap", pagemap, sizeof(pagemap), trial->base / PAGE * 8);
	maps_init(&maps, text, len, MAPS_PLAIN);
	while (maps_next(&maps, &mapping) > 0) {
		uint64_t start = max_u64(mapping.start, trial->base);
		uint64_t end = min_u64(mapping.end, trial->base + PAGES * PAGE);

		for (uint64_t at = start; at < end; at += PAGE) {
			uint64_t entry = pagemap[(at - trial->base) / PAGE];

			state = mix(mix(state, at), mapping.prot);
			state = mix(state, PAGEMAP_PRESENT(entry) + 2 * PAGEMAP_GUARD(entry));
		}
	}
	return state;
}

static int seal_by_kernel(const struct trial *trial)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < trial->count; i++)
		r = sys_mseal(
			trial->seals[i].start, trial->seals[i].end - trial->seals[i].start, 0);
	return r;
}

static int seal_by_filter(const struct trial *trial)
{
	struct filter_report report;
	struct bpf_policy policy;

	filter_policy(&policy);
	return filter_install(&policy, trial->seals, trial->count, &report);
}

static void twin(const struct trial *trial, int (*seal)(const struct trial *), struct result *ret)
{
	if (seal(trial) < 0)
		_exit(1);
	for (size_t i = 0; i < BATCH; i++) {
		ret[i].answer = make(&trial->calls[i]);
		ret[i].state = sys_failed(ret[i].answer) || i == BATCH - 1 ? state_of(trial) : 0;
	}
	_exit(0);
}

static void run_twin(
	const struct trial *trial, int (*seal)(const struct trial *), struct result *ret)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid)
		twin(trial, seal, ret);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static uint64_t pages_of(uint64_t len)
{
	return (len + PAGE - 1) / PAGE;
}

/* The filter refuses, mseal does not. */
static enum kind compare_strict(const struct call *call)
{
	if (call->name != N_MREMAP || !(call->args[3] & 2))
		return UNEXPECTED;
	if (call->args[0] % (1 << 21) == 0 || call->args[4] % (1 << 21) == 0)
		return HUGE_PAGES;
	return pages_of(call->args[1]) == pages_of(call->args[2]) ? HOLES_MOVED : UNEXPECTED;
}

static enum kind compare(
	const struct call *call, const struct result *kernel, const struct result *filter)
{
	bool kernel_failed = sys_failed(kernel->answer), filter_failed = sys_failed(filter->answer);

	if (kernel->answer == filter->answer)
		return kernel->state == filter->state ? SAME
		       : kernel_failed                ? MSEAL_CHANGED
						      : UNEXPECTED;
	if (kernel_failed && !filter_failed)
		return kernel->answer == -EPERM                              ? FILTER_ALLOWS
		       : kernel->answer == -EFAULT && call->name == N_MREMAP ? CUT_MAPPING
									     : UNEXPECTED;
	if (kernel_failed)
		return kernel->state == filter->state ? OTHER_ERROR : MSEAL_CHANGED;
	return filter->answer == -EPERM ? compare_strict(call) : UNEXPECTED;
}

/*
 * Private memory, writable and not, and shared memory; the last third is free. Around it nothing is
 * mapped: calls reach a little farther than the pages that they name.
 */
static uint64_t make_memory(void)
{
	size_t len = PAGES * PAGE;
	char *base =
		mmap(NULL, 3 * len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(base, MAP_FAILED);
	base += len;
	ck_assert_ptr_eq(mmap(base + 48 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		base + 48 * PAGE);
	memset(base, 'x', 64 * PAGE);
	ck_assert_int_eq(mprotect(base + 16 * PAGE, 24 * PAGE, PROT_READ), 0);
	ck_assert_int_eq(munmap(base + 64 * PAGE, 2 * len - 64 * PAGE), 0);
	ck_assert_int_eq(munmap(base - len, len), 0);
	return (uintptr_t)base;
}

/* mseal holds discarding on private memory that is not writable alone: pages 16 to 39. */
static void random_seals(struct random *random, struct trial *trial)
{
	uint64_t at = random_below(random, 12), end;

	for (trial->count = 0; trial->count < SEALS_MAX && at < 60; at = end) {
		uint64_t limit = at < 16 ? 16 : at < 40 ? 40 : at < 48 ? 48 : 64;
		struct bpf_range *seal = &trial->seals[trial->count++];

		end = min_u64(at + 1 + random_below(random, 5), limit);
		seal->start = trial->base + at * PAGE;
		seal->end = trial->base + end * PAGE;
		seal->effects = MEMSEAL_MAPPING;
		if (limit == 40)
			seal->effects |= MEMSEAL_NO_DISCARD;
		end += random_below(random, 14);
	}
}

static void complain(const struct trial *trial, size_t i, enum kind kind)
{
	const struct call *call = &trial->calls[i];

	for (size_t j = 0; j < trial->count; j++)
		fprintf(stderr, "seal of pages %jd to %jd\n",
			(intmax_t)((trial->seals[j].start - trial->base) / PAGE),
			(intmax_t)((trial->seals[j].end - trial->base) / PAGE));
	for (size_t j = 0; j < i; j++)
		fprintf(stderr, "call %zu: %d (page %jd, %jx, %jx, %jx, %jx): %ld\n", j,
			trial->calls[j].name,
			(intmax_t)((trial->calls[j].args[0] - trial->base) / PAGE),
			(uintmax_t)trial->calls[j].args[1], (uintmax_t)trial->calls[j].args[2],
			(uintmax_t)trial->calls[j].args[3], (uintmax_t)trial->calls[j].args[4],
			results[0][j].answer);
	ck_abort_msg("call %zu: %d (%jx = page %jd, %jx, %jx, %jx, %jx): mseal %ld, filter %ld: %s",
		i, call->name, (uintmax_t)call->args[0],
		(intmax_t)((call->args[0] - trial->base) / PAGE), (uintmax_t)call->args[1],
		(uintmax_t)call->args[2], (uintmax_t)call->args[3], (uintmax_t)call->args[4],
		results[0][i].answer, results[1][i].answer, kind_texts[kind]);
}

static unsigned long calls_wanted(void)
{
	const char *wanted = getenv("TWIN_CALLS");

	return wanted ? strtoul(wanted, NULL, 10) : 50000;
}

START_TEST(allows_nothing_that_mseal_refuses)
{
	struct random random = { UINT64_C(0x6d736561) };
	unsigned long counts[KINDS] = { 0 }, calls = 0, refused = 0;
	struct trial trial = { .base = make_memory() };

	while (calls < calls_wanted()) {
		enum kind kind = SAME;

		random_seals(&random, &trial);
		for (size_t i = 0; i < BATCH; i++)
			random_one(&random, &trial, &trial.calls[i]);
		run_twin(&trial, seal_by_kernel, results[0]);
		run_twin(&trial, seal_by_filter, results[1]);
		for (size_t i = 0; i < BATCH && kind <= OTHER_ERROR; i++, calls++) {
			kind = compare(&trial.calls[i], &results[0][i], &results[1][i]);
			counts[kind]++;
			refused += results[0][i].answer == -EPERM;
			if (kind == FILTER_ALLOWS || kind == UNEXPECTED)
				complain(&trial, i, kind);
		}
	}
	for (int kind = 0; kind < KINDS; kind++)
		printf("# %6lu %s\n", counts[kind], kind_texts[kind]);
	ck_assert_uint_ge(refused, calls / 10);
	ck_assert_uint_ge(counts[SAME], calls / 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("filter-mseal");
	TCase *twins = tcase_create("twins");

	tcase_set_timeout(twins, 300);
	tcase_add_test(twins, allows_nothing_that_mseal_refuses);
	suite_add_tcase(suite, twins);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	if (sys_mseal(0, 0, 0) == -ENOSYS) {
		puts("1..0 # SKIP this kernel has no mseal(2) to compare with");
		return EXIT_SUCCESS;
	}
	results = mmap(NULL, 2 * sizeof(*results), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		return EXIT_FAILURE;
	runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
