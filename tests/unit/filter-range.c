/* SPDX-License-Identifier: MIT */
/*
 * The filter engine behind memseal_range(), memseal_ranges() and memseal_query(): what it holds,
 * and nothing else. Filters stay, so every case has a process of its own. Beside each refusal
 * stands the same call on memory that is not sealed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include <memseal-compat.h>

#include "helpers/filter.h"

/* What follows from effects: see memseal_query(). */
static uint64_t implied(uint64_t effects)
{
	if (effects & MEMSEAL_NO_PROTECT)
		effects |= MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC;
	if (effects & MEMSEAL_NO_UNMAP)
		effects |= MEMSEAL_NO_SHRINK;
	return effects;
}

/*
 * The plain model: attempts on one page of read-write memory, which of the effects forbid them, and
 * how they are made. None changes the page for the next attempt where it is allowed to work: each
 * is made in a child.
 */
struct attempt {
	const char *name;
	uint64_t broken;
	int (*make)(char *at);
};

static int try_unmap(char *at)
{
	return error_of(munmap(at, page));
}

static int try_unmap_around(char *at)
{
	return error_of(munmap(at - page, 3 * page));
}

static int try_replace(char *at)
{
	return mapped_over(at, PROT_NONE);
}

static int try_replace_writable(char *at)
{
	return mapped_over(at, READ_WRITE);
}

static int try_move(char *at)
{
	return remapped(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, spare);
}

static int try_move_onto(char *at)
{
	return remapped(spare, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, at);
}

static int try_move_and_keep(char *at)
{
	return remapped(at, page, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
}

/* The page behind is gone in both. */
static int try_grow(char *at)
{
	ck_assert_int_eq(munmap(at + page, page), 0);
	return remapped(at, page, 2 * page, 0, NULL);
}

static int try_grow_away(char *at)
{
	return remapped(at, page, 9 * page, MREMAP_MAYMOVE, NULL);
}

static int try_shrink(char *at)
{
	return remapped(at - page, 2 * page, page, 0, NULL);
}

static int try_read_only(char *at)
{
	return error_of(mprotect(at, page, PROT_READ));
}

static int try_writable(char *at)
{
	return error_of(mprotect(at - page, 2 * page, READ_WRITE));
}

static int try_executable(char *at)
{
	return error_of(mprotect(at, 2 * page, PROT_READ | PROT_EXEC));
}

static int try_discard(char *at)
{
	return error_of(madvise(at, page, MADV_DONTNEED));
}

static int try_free(char *at)
{
	return error_of(madvise(at - page, 3 * page, MADV_FREE));
}

static int try_fork_hole(char *at)
{
	return error_of(madvise(at, page, MADV_DONTFORK));
}

static int try_seal(char *at)
{
	return error_of(syscall(SYS_mseal, at, page, 0));
}

static int try_harmless(char *at)
{
	int r = error_of(madvise(at, page, MADV_COLD));

	at[0] = 'y';
	if (!r)
		r = error_of(mlock(at, page));
	return r ? r : error_of(munmap(at + 2 * page, page));
}

static const struct attempt attempts[] = {
	{ "munmap", MEMSEAL_NO_UNMAP, try_unmap },
	{ "munmap around", MEMSEAL_NO_UNMAP, try_unmap_around },
	{ "mmap over", MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT, try_replace },
	{ "mmap over, writable", MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE,
		try_replace_writable },
	{ "mremap away", MEMSEAL_NO_UNMAP, try_move },
	{ "mremap onto", MEMSEAL_NO_UNMAP | ANY_PROT, try_move_onto },
	{ "mremap away, pages alone", MEMSEAL_NO_UNMAP | MEMSEAL_NO_DISCARD, try_move_and_keep },
	{ "mremap longer", MEMSEAL_NO_GROW, try_grow },
	{ "mremap longer, elsewhere", MEMSEAL_NO_GROW | MEMSEAL_NO_UNMAP, try_grow_away },
	{ "mremap shorter", MEMSEAL_NO_SHRINK | MEMSEAL_NO_UNMAP, try_shrink },
	{ "mprotect read-only", MEMSEAL_NO_PROTECT, try_read_only },
	{ "mprotect writable", MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE, try_writable },
	{ "mprotect executable", MEMSEAL_NO_PROTECT | MEMSEAL_NO_EXEC, try_executable },
	{ "madvise DONTNEED", MEMSEAL_NO_DISCARD, try_discard },
	{ "madvise FREE", MEMSEAL_NO_DISCARD, try_free },
	{ "madvise DONTFORK", MEMSEAL_NO_DISCARD, try_fork_hole },
	{ "mseal", MEMSEAL_NO_SEAL, try_seal },
	{ "what breaks nothing", 0, try_harmless },
};

static int attempt_in_child(const struct attempt *attempt, char *at)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(attempt->make(at));
	return wait_for(pid);
}

static void assert_attempts(char *at, uint64_t effects)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int expected = attempts[i].broken & effects ? EPERM : 0;
		int found = attempt_in_child(&attempts[i], at);

		ck_assert_msg(found == expected, "%s, effects %#jx: %d, not %d", attempts[i].name,
			(uintmax_t)effects, found, expected);
	}
}

/* All 255 subsets of the effects, on three pages apart from each other, by whichever engine. */
static void seal_and_attempt(enum memseal_engine engine, uint64_t effects)
{
	char *control = map_anon(8, READ_WRITE) + 2 * page;

	ck_assert_int_eq(seal_by(engine, mem + 4 * page, page, effects), 0);
	assert_attempts(mem + 4 * page, effects);
	assert_attempts(control, 0);
	assert_holds(mem + 4 * page, page, 0, implied(effects));
	assert_holds(control, page, 0, 0);
	ck_assert_uint_eq(query(mem + 4 * page, page).sealed, 0);
}

START_TEST(every_subset_by_the_filter)
{
	consent();
	seal_and_attempt(MEMSEAL_ENGINE_FILTER, (uint64_t)_i);
}
END_TEST

/* What does not include all of MEMSEAL_MAPPING goes to the filter by itself. */
START_TEST(single_effects_by_themselves)
{
	consent();
	seal_and_attempt(MEMSEAL_ENGINE_AUTO, UINT64_C(1) << _i);
}
END_TEST

START_TEST(nothing_without_consent)
{
	uint64_t effects = (uint64_t)_i;
	int expected =
		(effects & MEMSEAL_MAPPING) == MEMSEAL_MAPPING && !(effects & MEMSEAL_NO_DISCARD)
			? 0
			: -EOPNOTSUPP;

	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, page, effects), -EOPNOTSUPP);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, effects), expected);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), expected == 0 ? page : 0);
}
END_TEST

/* An engine that is demanded is the one. */
START_TEST(engines_that_are_demanded)
{
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_KERNEL, mem, page, MEMSEAL_NO_UNMAP), -EOPNOTSUPP);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_KERNEL, mem, page, MEMSEAL_ALL), -EOPNOTSUPP);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_KERNEL, mem, page, MEMSEAL_MAPPING), 0);
	assert_holds(mem, page, MEMSEAL_MAPPING | MEMSEAL_NO_SEAL, 0);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem + 2 * page, page, MEMSEAL_MAPPING), 0);
	assert_holds(mem + 2 * page, page, 0, MEMSEAL_MAPPING);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), page);
}
END_TEST

/* The kernel engine takes what it can, the filter what is left; who has no mseal(2) takes all. */
START_TEST(engines_share)
{
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0); /* no need for one */
	ck_assert_int_eq(madvise(mem, page, MADV_DONTNEED), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem + page, 2 * page, MEMSEAL_ALL), 0);
	assert_holds(mem + page, 2 * page, MEMSEAL_MAPPING | MEMSEAL_NO_SEAL, MEMSEAL_NO_DISCARD);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), 3 * page);
	ck_assert_int_eq(error_of(madvise(mem + page, page, MADV_DONTNEED)), EPERM);
	ck_assert_int_eq(mem[page], 'x');
	ck_assert_int_eq(error_of(madvise(mem + 3 * page, page, MADV_DONTNEED)), 0);
}
END_TEST

/* Read-only and writable memory in one range: the filter gets what mseal(2) does not hold. */
START_TEST(kinds_of_memory_in_one_range)
{
	consent();
	ck_assert_int_eq(mprotect(mem, 2 * page, PROT_READ), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, 4 * page, MEMSEAL_ALL), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), 4 * page);
	assert_holds(mem, 2 * page, MEMSEAL_MAPPING | MEMSEAL_NO_SEAL, 0);
	assert_holds(
		mem + 2 * page, 2 * page, MEMSEAL_MAPPING | MEMSEAL_NO_SEAL, MEMSEAL_NO_DISCARD);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(error_of(madvise(mem + i * page, page, MADV_DONTNEED)), EPERM);
		ck_assert_int_eq(mem[i * page], 'x');
	}
}
END_TEST

START_TEST(kernels_without_mseal)
{
	int error = _i ? EPERM : ENOSYS;

	deny(SYS_mseal, error);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_MAPPING),
		_i ? -EPERM : -EOPNOTSUPP);
	ck_assert_int_eq(error_of(mprotect(mem, page, READ_WRITE)), 0);
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_KERNEL, mem, page, MEMSEAL_MAPPING),
		_i ? -EPERM : -EOPNOTSUPP);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_ALL), 0);
	ck_assert_uint_eq(smaps_sealed(mem, page), 0);
	/* Whether mseal(2) is refused because of the seal cannot be seen where it always is. */
	assert_holds(mem, page, 0, _i ? MEMSEAL_ALL & ~MEMSEAL_NO_SEAL : MEMSEAL_ALL);
	ck_assert_int_eq(error_of(munmap(mem, page)), EPERM);
	ck_assert_int_eq(error_of(madvise(mem, page, MADV_DONTNEED)), EPERM);
	ck_assert_int_eq(error_of(munmap(mem + page, page)), 0);
}
END_TEST

/* Sealed by the filter first, by the kernel then. */
START_TEST(the_kernel_adds_to_the_filter)
{
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, 2 * page, PLACE), 0);
	ck_assert_int_eq(mprotect(mem + page, page, PROT_READ), 0);
	ck_assert_int_eq(syscall(SYS_mseal, mem + page, page, 0), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, 4 * page, MEMSEAL_MAPPING), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), 4 * page);
	/* A filter answers in the kernel's place: its seal is there, but not seen. */
	assert_holds(mem, 2 * page, 0, PLACE);
	assert_holds(mem + 2 * page, 2 * page, MEMSEAL_MAPPING | MEMSEAL_NO_SEAL, 0);
}
END_TEST

START_TEST(sealing_again)
{
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, 2 * page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, 2 * page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, 2 * page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem + page, page, MEMSEAL_NO_WRITE), 0);
	ck_assert_uint_eq(filters(), 1);
	/* The engine that is demanded is not the one that holds it, and no longer has a say. */
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_KERNEL, mem, page, MEMSEAL_MAPPING), -EPERM);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_KERNEL, mem + 2 * page, page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, 3 * page, MEMSEAL_ALL), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), page);
	ck_assert_uint_eq(filters(), 2); /* discarding, on the third page */
}
END_TEST

/* Several ranges. */

START_TEST(one_filter_for_a_batch)
{
	enum { COUNT = 500 };
	char *many = map_anon(2 * COUNT, READ_WRITE);
	struct memseal_range ranges[COUNT];
	size_t sealed = 0;

	consent();
	for (size_t i = 0; i < COUNT; i++)
		ranges[i] = (struct memseal_range){ many + 2 * ((i * 7) % COUNT) * page, page,
			MEMSEAL_NO_UNMAP };
	ck_assert_int_eq(memseal_ranges(ranges, COUNT, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, COUNT * page);
	ck_assert_uint_eq(filters(), 1);
	for (size_t i = 0; i < COUNT; i++) {
		ck_assert_int_eq(error_of(munmap(many + 2 * i * page, page)), EPERM);
		ck_assert_int_eq(error_of(munmap(many + (2 * i + 1) * page, page)), 0);
	}
	/* Again: there is nothing to add. */
	ck_assert_int_eq(memseal_ranges(ranges, COUNT, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, COUNT * page);
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

START_TEST(overlapping_ranges_add_up)
{
	struct memseal_range ranges[] = {
		{ mem, 4 * page, MEMSEAL_NO_UNMAP },
		{ mem + 2 * page, 4 * page, MEMSEAL_NO_WRITE },
		{ mem + 3 * page, page, MEMSEAL_MAPPING },
		{ mem + 5 * page, 2 * page, MEMSEAL_NO_WRITE },
	};
	size_t sealed = 0;

	consent();
	ck_assert_int_eq(memseal_ranges(ranges, 4, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, 7 * page);
	assert_holds(mem, 2 * page, 0, MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK);
	assert_holds(
		mem + 2 * page, page, 0, MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_WRITE);
	assert_holds(mem + 3 * page, page, MEMSEAL_MAPPING | MEMSEAL_NO_SEAL, 0);
	assert_holds(mem + 4 * page, 3 * page, 0, MEMSEAL_NO_WRITE);
	assert_holds(mem + 7 * page, page, 0, 0);
	assert_holds(mem, 7 * page, 0, 0); /* nothing is held on all of it */
}
END_TEST

START_TEST(all_are_checked_first)
{
	struct memseal_range ranges[3] = {
		{ mem, page, MEMSEAL_NO_UNMAP },
		{ mem + 2 * page, page, MEMSEAL_MAPPING },
		{ mem + 4 * page, page, MEMSEAL_NO_WRITE },
	};
	struct memseal_range good = ranges[_i];
	size_t sealed = 1, len;
	char *stack;

	consent();
	ck_assert(find_mapping("[stack]", &stack, &len));
	ranges[_i] = (struct memseal_range){ stack, page, MEMSEAL_NO_UNMAP };
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, &sealed), -EFAULT);
	ck_assert_uint_eq(sealed, 0);
	ranges[_i] = good;
	ck_assert_int_eq(munmap(mem + 8 * page, page), 0);
	ranges[_i].addr = mem + 8 * page;
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, &sealed), -ENOMEM);
	ck_assert_uint_eq(sealed, 0);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), 0);
	ranges[_i] = good;
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, 3 * page);
}
END_TEST

/* The filter is in force when the kernel refuses: what is held in full counts. */
START_TEST(kernel_fails_behind_the_filter)
{
	struct memseal_range ranges[] = {
		{ mem, page, MEMSEAL_NO_UNMAP },
		{ mem + 2 * page, page, MEMSEAL_ALL },
	};
	size_t sealed = 1;

	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem + 2 * page, page, MEMSEAL_NO_SEAL), 0);
	ck_assert_int_eq(memseal_ranges(ranges, 2, NULL, &sealed), -EPERM);
	ck_assert_uint_eq(sealed, page);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), 0);
	assert_holds(mem, page, 0, MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK);
}
END_TEST

/* What a range with a kind of effects is for. */

/* Read-write to read-only, and never back: OpenBSD's mimmutable(2) has it so. */
START_TEST(ratchet)
{
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_RATCHET), 0);
	mem[0] = 'y';
	ck_assert_int_eq(error_of(mprotect(mem, page, PROT_READ)), 0);
	ck_assert_int_eq(mem[0], 'y');
	ck_assert_int_eq(error_of(mprotect(mem, page, READ_WRITE)), EPERM);
	ck_assert_int_eq(error_of(mprotect(mem, page, PROT_READ | PROT_EXEC)), EPERM);
	ck_assert_int_eq(error_of(munmap(mem, page)), EPERM);
	ck_assert_int_eq(mapped_over(mem, READ_WRITE), EPERM);
	ck_assert_int_eq(error_of(mprotect(mem + page, page, PROT_READ)), 0);
	ck_assert_int_eq(error_of(mprotect(mem + page, page, READ_WRITE)), 0);
}
END_TEST

/* The place is fixed, the protection free: a hundred thousand changes. */
START_TEST(jit)
{
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, 2 * page, PLACE), 0);
	for (int i = 0; i < 50000; i++) {
		ck_assert_int_eq(mprotect(mem, 2 * page, READ_WRITE), 0);
		mem[0] = (char)i;
		ck_assert_int_eq(mprotect(mem, 2 * page, PROT_READ | PROT_EXEC), 0);
		if (i % 10000)
			continue;
		ck_assert_int_eq(error_of(munmap(mem, page)), EPERM);
		ck_assert_int_eq(mapped_over(mem + page, PROT_READ), EPERM);
		ck_assert_int_eq(remapped(mem, page, page, 3, spare), EPERM);
		ck_assert_int_eq(remapped(spare, page, page, 3, mem), EPERM);
		ck_assert_int_eq(remapped(mem, 2 * page, 3 * page, 1, NULL), EPERM);
		ck_assert_int_eq(remapped(mem, 2 * page, page, 0, NULL), EPERM);
	}
	ck_assert_int_eq(remapped(mem + 2 * page, page, page, 3, spare), 0);
	ck_assert_int_eq(error_of(munmap(mem + 3 * page, page)), 0);
}
END_TEST

/* The interfaces of others. */

static const struct {
	unsigned types;
	uint64_t effects;
} type_cases[] = {
	{ MM_SEAL_MSEAL, MEMSEAL_NO_SEAL },
	{ MM_SEAL_MPROTECT, ANY_PROT },
	{ MM_SEAL_MUNMAP, MEMSEAL_NO_UNMAP },
	{ MM_SEAL_MMAP, MEMSEAL_NO_UNMAP },
	{ MM_SEAL_MREMAP, PLACE },
	{ MM_SEAL_MPROTECT | MM_SEAL_MSEAL, ANY_PROT | MEMSEAL_NO_SEAL },
};

START_TEST(types_mean_effects)
{
	consent();
	ck_assert_int_eq(mseal_types(mem + 4 * page, page, type_cases[_i].types, 0), 0);
	assert_attempts(mem + 4 * page, type_cases[_i].effects);
	assert_attempts(mem + 8 * page, 0);
}
END_TEST

static void assert_types_fail(unsigned types, unsigned flags, int error)
{
	ck_assert_int_eq(error_of(mseal_types(mem, page, types, flags)), error);
	ck_assert_int_eq(error_of(mprotect(mem, page, READ_WRITE)), 0);
}

START_TEST(types_are_checked)
{
	unsigned all =
		MM_SEAL_MSEAL | MM_SEAL_MPROTECT | MM_SEAL_MUNMAP | MM_SEAL_MMAP | MM_SEAL_MREMAP;

	assert_types_fail(MM_SEAL_MUNMAP, 0, EOPNOTSUPP); /* no consent */
	assert_types_fail(0, 0, EINVAL);
	assert_types_fail(0x20, 0, EINVAL);
	assert_types_fail(all | 0x80000000, 0, EINVAL);
	assert_types_fail(all, 1, EINVAL);
	ck_assert_int_eq(mseal_types(mem, page, all, 0), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 16 * page), page);
}
END_TEST

START_TEST(names_for_effects)
{
	consent();
	ck_assert_int_eq(memseal_range(mem + 4 * page, page,
				 MSEAL_SEAL | MSEAL_WRITE | MSEAL_SHRINK | MSEAL_GROW),
		0);
	assert_attempts(mem + 4 * page,
		MEMSEAL_NO_SEAL | MEMSEAL_NO_WRITE | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW);
}
END_TEST

/* Filters of others are not taken for seals. */
START_TEST(what_is_refused_everywhere)
{
	static const long calls[] = { SYS_mprotect, SYS_madvise, SYS_mseal };
	static const uint64_t unseen[] = { ANY_PROT, MEMSEAL_NO_DISCARD, MEMSEAL_NO_SEAL };

	deny(calls[_i], EPERM);
	assert_holds(mem, page, 0, 0);
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, page, PLACE), 0);
	assert_holds(mem, page, 0, PLACE);
	(void)seal_by(MEMSEAL_ENGINE_FILTER, mem + 2 * page, page, MEMSEAL_ALL);
	assert_holds(mem + 2 * page, page, 0, MEMSEAL_ALL & ~unseen[_i]);
}
END_TEST

/* The page before would answer a shrink that begins there. */
START_TEST(shrinking_behind_a_page_that_stays)
{
	char *at = map_anon(4, READ_WRITE);

	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, at, page, MEMSEAL_NO_UNMAP), 0);
	assert_holds(at + page, page, 0, 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, at + page, 2 * page, MEMSEAL_NO_SHRINK), 0);
	assert_holds(at + page, 2 * page, 0, MEMSEAL_NO_SHRINK);
	assert_holds(at + 3 * page, page, 0, 0);
}
END_TEST

/* Huge pages would be cut off whole, and a seal in the same one with what is asked about. */
START_TEST(shrinking_behind_what_may_be_huge)
{
	size_t huge = 2 << 20;
	char *many = map_anon(2 * huge / page, READ_WRITE);

	many += huge - (uintptr_t)many % huge;
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, many + 3 * page, page, MEMSEAL_NO_SHRINK), 0);
	ck_assert_int_eq(remapped(many, 2 * page, page, 0, NULL), EPERM);
	for (size_t i = 0; i < 8; i++)
		assert_holds(many + i * page, page, 0, i == 3 ? MEMSEAL_NO_SHRINK : 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, many + page, page, MEMSEAL_NO_SHRINK), 0);
	assert_holds(many + page, page, 0, MEMSEAL_NO_SHRINK);
}
END_TEST

START_TEST(query_changes_nothing)
{
	char before[64], *file;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	consent();
	file = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE, fd, 0);
	memcpy(before, file, sizeof(before));
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem + page, page, MEMSEAL_NO_WRITE), 0);
	assert_holds(mem, 16 * page, 0, 0);
	assert_holds(mem + page, page, 0, MEMSEAL_NO_WRITE);
	assert_holds(file, 2 * page, 0, 0);
	ck_assert_mem_eq(before, file, sizeof(before));
	for (size_t i = 0; i < 16 * page; i++)
		ck_assert_int_eq(mem[i], 'x');
	ck_assert_uint_eq(smaps_count(mem, 16 * page).mapped, 16 * page);
	mem[page] = 'y';
	ck_assert_int_eq(error_of(munmap(mem, 16 * page)), 0);
}
END_TEST

/* Threads. */

enum { THREADS = 16, SEALS = 40 };

static atomic_uint sealed_pages, done; /* pages of mem that are sealed; stop */
static atomic_ulong rounds, lost, refused;

static void *map_and_unmap(void *arg)
{
	while (!done) {
		char *own = mmap(NULL, 4 * page, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		unsigned count = sealed_pages;

		if (own == MAP_FAILED) {
			refused++;
			continue;
		}
		own[0] = 'x';
		refused += mprotect(own, page, PROT_READ) != 0;
		refused += madvise(own + page, page, MADV_DONTNEED) != 0;
		refused += mapped_over(own + page, PROT_READ) != 0;
		refused += munmap(own, 4 * page) != 0;
		if (count)
			lost += error_of(munmap((char *)arg + (rounds % count) * 2 * page, page)) !=
				EPERM;
		rounds++;
	}
	return NULL;
}

START_TEST(threads_map_while_seals_are_added)
{
	char *many = map_anon(2 * SEALS, READ_WRITE);
	pthread_t threads[THREADS];

	consent();
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, map_and_unmap, many), 0);
	for (size_t i = 0; i < SEALS; i++) {
		uint64_t effects = i % 3 == 0 ? PLACE : i % 3 == 1 ? MEMSEAL_MAPPING : MEMSEAL_ALL;

		ck_assert_int_eq(memseal_range(many + 2 * i * page, page, effects), 0);
		sealed_pages++;
		usleep(10000);
	}
	done = 1;
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(refused, 0);
	ck_assert_uint_gt(rounds, THREADS);
	for (size_t i = 0; i < SEALS; i++) {
		ck_assert_int_eq(error_of(munmap(many + 2 * i * page, page)), EPERM);
		ck_assert_int_eq(error_of(munmap(many + (2 * i + 1) * page, page)), 0);
	}
}
END_TEST

static Suite *filter_range_suite(void)
{
	Suite *suite = suite_create("filter-range");
	TCase *tc = tcase_create("effects"), *slow = tcase_create("slow");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_subset_by_the_filter, 1, MEMSEAL_ALL + 1);
	tcase_add_loop_test(tc, single_effects_by_themselves, 0, 8);
	tcase_add_loop_test(tc, nothing_without_consent, 1, MEMSEAL_ALL + 1);
	tcase_add_test(tc, engines_that_are_demanded);
	tcase_add_test(tc, engines_share);
	tcase_add_test(tc, kinds_of_memory_in_one_range);
	tcase_add_loop_test(tc, kernels_without_mseal, 0, 2);
	tcase_add_test(tc, the_kernel_adds_to_the_filter);
	tcase_add_test(tc, sealing_again);
	tcase_add_test(tc, one_filter_for_a_batch);
	tcase_add_test(tc, overlapping_ranges_add_up);
	tcase_add_loop_test(tc, all_are_checked_first, 0, 3);
	tcase_add_test(tc, kernel_fails_behind_the_filter);
	tcase_add_test(tc, ratchet);
	tcase_add_loop_test(tc, types_mean_effects, 0, 6);
	tcase_add_test(tc, types_are_checked);
	tcase_add_test(tc, names_for_effects);
	/* AddressSanitizer needs mprotect(2) at the end. */
	tcase_add_loop_test(tc, what_is_refused_everywhere, SANITIZED ? 1 : 0, 3);
	tcase_add_test(tc, shrinking_behind_a_page_that_stays);
	tcase_add_test(tc, shrinking_behind_what_may_be_huge);
	tcase_add_test(tc, query_changes_nothing);
	suite_add_tcase(suite, tc);

	tcase_add_checked_fixture(slow, setup, NULL);
	tcase_set_timeout(slow, 120);
	tcase_add_test(slow, jit);
	tcase_add_test(slow, threads_map_while_seals_are_added);
	suite_add_tcase(suite, slow);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(filter_range_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
