/* SPDX-License-Identifier: MIT */
/*
 * memseal_range() and memseal_ranges(): every documented error, provoked, beside a call that
 * differs in one thing and succeeds; and what is sealed afterwards, by smaps.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include <memseal-compat.h>

#include "helpers/memory.h"

#define UNKNOWN_EFFECT (UINT64_C(1) << 40)

static size_t page;
static char *mem; /* 8 pages, readable and writable */

static void setup(void)
{
	page = page_size();
	mem = map_anon(8, READ_WRITE);
}

static void assert_sealed(const void *addr, size_t len)
{
	ck_assert_uint_eq(smaps_sealed(addr, len), len);
	ck_assert_int_eq(munmap((void *)addr, len), -1);
	ck_assert_int_eq(errno, EPERM);
}

static void assert_unsealed(void *addr, size_t len)
{
	ck_assert_uint_eq(smaps_sealed(addr, len), 0);
	ck_assert_int_eq(mprotect(addr, len, PROT_READ), 0);
}

static void assert_refused(void *addr, size_t len, uint64_t effects, int error)
{
	struct memseal_range range = { addr, len, effects };
	size_t sealed = 1;

	ck_assert_int_eq(memseal_range(addr, len, effects), error);
	ck_assert_int_eq(memseal_ranges(&range, 1, NULL, &sealed), error);
	ck_assert_uint_eq(sealed, 0);
}

/* Arguments. */

START_TEST(seals_what_it_is_given)
{
	ck_assert_int_eq(memseal_range(mem + page, 2 * page, MEMSEAL_MAPPING), 0);
	assert_sealed(mem + page, 2 * page);
	assert_unsealed(mem, page);
	assert_unsealed(mem + 3 * page, 5 * page);
	mem[page] = 'x'; /* the bytes are not what is locked */
}
END_TEST

START_TEST(length_is_rounded_up)
{
	ck_assert_int_eq(memseal_range(mem, page + 1, MEMSEAL_MAPPING), 0);
	assert_sealed(mem, 2 * page);
	assert_unsealed(mem + 2 * page, page);
}
END_TEST

START_TEST(unaligned_is_einval)
{
	assert_refused(mem + 1, page, MEMSEAL_MAPPING, -EINVAL);
	assert_refused(mem + page - 1, page, MEMSEAL_MAPPING, -EINVAL);
	assert_unsealed(mem, 8 * page);
}
END_TEST

START_TEST(nothing_is_einval)
{
	assert_refused(mem, 0, MEMSEAL_MAPPING, -EINVAL);
	assert_refused(NULL, 0, MEMSEAL_MAPPING, -EINVAL);
}
END_TEST

START_TEST(wrapping_is_einval)
{
	assert_refused(mem, SIZE_MAX, MEMSEAL_MAPPING, -EINVAL);
	assert_refused(mem, SIZE_MAX - page + 1, MEMSEAL_MAPPING, -EINVAL);
	assert_refused((void *)-page, page, MEMSEAL_MAPPING, -EINVAL);
	assert_refused(mem, -(size_t)mem, MEMSEAL_MAPPING, -EINVAL);
	/* One page less does not wrap; nothing is mapped there. */
	assert_refused((void *)(-2 * page), page, MEMSEAL_MAPPING, -ENOMEM);
	assert_unsealed(mem, 8 * page);
}
END_TEST

/* It ends behind the stack, which alone would be EFAULT; but there is nothing on the way to it. */
START_TEST(hole_before_the_stack_is_enomem)
{
	char *stack = (char *)((uintptr_t)&stack & -page);

	assert_refused(mem, 0xfffffffffffff, MEMSEAL_MAPPING, -ENOMEM);
	assert_refused(stack, page, MEMSEAL_MAPPING, -EFAULT);
}
END_TEST

static const struct {
	uint64_t effects;
	int answer;
} effects[] = {
	{ 0, -EINVAL },
	{ UNKNOWN_EFFECT, -EINVAL },
	{ MEMSEAL_ALL | UNKNOWN_EFFECT, -EINVAL },
	{ MEMSEAL_NO_UNMAP, -EOPNOTSUPP },
	{ MEMSEAL_MAPPING & ~MEMSEAL_NO_EXEC, -EOPNOTSUPP },
	{ MEMSEAL_NO_DISCARD | MEMSEAL_NO_SEAL, -EOPNOTSUPP },
	{ MEMSEAL_MAPPING | MEMSEAL_NO_DISCARD, -EOPNOTSUPP }, /* it is writable */
	{ MEMSEAL_ALL, -EOPNOTSUPP },
	{ MEMSEAL_MAPPING, 0 },
	{ MEMSEAL_MAPPING | MEMSEAL_NO_SEAL, 0 },
};

START_TEST(effects_that_cannot_be_held_seal_nothing)
{
	if (effects[_i].answer == 0) {
		ck_assert_int_eq(memseal_range(mem, page, effects[_i].effects), 0);
		assert_sealed(mem, page);
	} else {
		assert_refused(mem, page, effects[_i].effects, effects[_i].answer);
		assert_unsealed(mem, page);
	}
}
END_TEST

START_TEST(read_only_memory_is_not_discarded)
{
	char *control = mem + 4 * page;

	mem[0] = control[0] = 'x';
	ck_assert_int_eq(mprotect(mem, 8 * page, PROT_READ), 0);
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(madvise(mem, page, MADV_DONTNEED), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mem[0], 'x');
	ck_assert_int_eq(madvise(control, page, MADV_DONTNEED), 0);
	ck_assert_int_eq(control[0], 0);
}
END_TEST

/* Why MEMSEAL_ALL is refused on writable memory: a seal does not hold that. */
START_TEST(writable_memory_is_discarded)
{
	mem[0] = 'x';
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(madvise(mem, page, MADV_DONTNEED), 0);
	ck_assert_int_eq(mem[0], 0);
}
END_TEST

START_TEST(one_writable_page_refuses_all)
{
	ck_assert_int_eq(mprotect(mem, 3 * page, PROT_READ), 0);
	assert_refused(mem, 4 * page, MEMSEAL_ALL, -EOPNOTSUPP);
	assert_unsealed(mem, 4 * page);
	ck_assert_int_eq(memseal_range(mem, 3 * page, MEMSEAL_ALL), 0);
}
END_TEST

/* Holes. */

START_TEST(hole_is_enomem)
{
	size_t at = (size_t)_i; /* pages: the start, the middle, the end */

	ck_assert_int_eq(munmap(mem + at * page, page), 0);
	assert_refused(mem, 8 * page, MEMSEAL_MAPPING, -ENOMEM);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), 0);
	ck_assert_ptr_eq(mmap(mem + at * page, page, READ_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		mem + at * page);
	ck_assert_int_eq(memseal_range(mem, 8 * page, MEMSEAL_MAPPING), 0);
	assert_sealed(mem, 8 * page);
}
END_TEST

START_TEST(vsyscall_is_enomem)
{
	size_t len;
	char *start;

	if (find_mapping("[vsyscall]", &start, &len))
		assert_refused(start, len, MEMSEAL_MAPPING, -ENOMEM);
	else /* vsyscall=none, or no x86: it is unmapped, which is the same */
		assert_refused((void *)0xffffffffff600000, page, MEMSEAL_MAPPING, -ENOMEM);
}
END_TEST

static void system_mapping(const char *name)
{
	size_t len;
	char *start;

	ck_assert(find_mapping(name, &start, &len));
	if (len > page) {
		assert_refused(start, page, MEMSEAL_MAPPING, -EINVAL);
		assert_refused(start + page, len - page, MEMSEAL_MAPPING, -EINVAL);
		ck_assert_uint_eq(smaps_sealed(start, len), 0);
	}
	ck_assert_int_eq(memseal_range(start, len, MEMSEAL_MAPPING), 0);
	assert_sealed(start, len);
}

START_TEST(system_mappings_whole_or_not_at_all)
{
	system_mapping("[vdso]");
	system_mapping("[vvar]");
}
END_TEST

START_TEST(two_parts_of_vdso_are_not_the_whole)
{
	struct memseal_range parts[2] = { { .effects = MEMSEAL_MAPPING },
		{ .effects = MEMSEAL_MAPPING } };
	size_t len, sealed = 1;
	char *start;

	ck_assert(find_mapping("[vdso]", &start, &len));
	if (len == page)
		return;
	parts[0].addr = start;
	parts[0].len = page;
	parts[1].addr = start + page;
	parts[1].len = len - page;
	ck_assert_int_eq(memseal_ranges(parts, 2, NULL, &sealed), -EINVAL);
	ck_assert_uint_eq(sealed, 0);
}
END_TEST

/* Memory that the kernel or the C library takes back. */

START_TEST(heap_is_efault)
{
	char *brk = sbrk((intptr_t)(4 * page));
	char *start = (char *)(((uintptr_t)brk + page - 1) & ~(page - 1));

	ck_assert_ptr_ne(brk, (void *)-1);
	assert_refused(start, page, MEMSEAL_MAPPING, -EFAULT);
	ck_assert_uint_eq(smaps_sealed(start, page), 0);
	/* The control: nothing but this check stands in the way. */
	ck_assert_int_eq(mseal(start, page, 0), 0);
}
END_TEST

static char *page_of(void *addr)
{
	return (char *)((uintptr_t)addr & ~(page - 1));
}

/* A page in the middle of this function's frame, so not the one that memseal runs on. */
static void own_stack(void)
{
	char frame[1 << 16];
	char *at = page_of(frame + sizeof(frame) / 2);

	frame[0] = frame[sizeof(frame) - 1] = 0;
	__asm__ volatile("" : : "r"(frame) : "memory");
	assert_refused(at, page, MEMSEAL_MAPPING, -EFAULT);
	ck_assert_uint_eq(smaps_sealed(at, page), 0);
}

START_TEST(main_stack_is_efault)
{
	size_t len;
	char *start;

	own_stack();
	ck_assert(find_mapping("[stack]", &start, &len));
	assert_refused(start, len, MEMSEAL_MAPPING, -EFAULT);
	assert_refused(start + len - page, page, MEMSEAL_MAPPING, -EFAULT);
}
END_TEST

static void *thread_own_stack(void *arg)
{
	int fd = -1;

	own_stack();
	/* The main thread's stays recognized, and other memory can be sealed. */
	assert_refused(page_of(&fd), page, MEMSEAL_MAPPING, -EFAULT);
	assert_refused(arg, page, MEMSEAL_MAPPING, -EFAULT);
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), 0);
	return NULL;
}

START_TEST(own_stack_of_a_thread_is_efault)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, thread_own_stack, page_of(&thread)), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	assert_sealed(mem, page);
}
END_TEST

static atomic_int state;

static void *wait_for_end(void *ret_stack)
{
	char frame[1 << 16];

	*(char **)ret_stack = page_of(frame + sizeof(frame) / 2);
	state = 1;
	while (state != 2)
		usleep(1000);
	return NULL;
}

/* Documented: it looks like any other memory. */
START_TEST(stack_of_another_thread_is_not_recognized)
{
	pthread_t thread;
	char *stack;

	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_end, &stack), 0);
	while (state != 1)
		usleep(1000);
	ck_assert_int_eq(memseal_range(stack, page, MEMSEAL_MAPPING), 0);
	ck_assert_uint_eq(smaps_sealed(stack, page), page);
	state = 2;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* Kinds of memory. */

static char *map_file(int fd, int flags, int prot)
{
	char *ret = mmap(NULL, 2 * page, prot, flags, fd, 0);

	ck_assert_ptr_ne(ret, MAP_FAILED);
	close(fd);
	return ret;
}

static int open_memfd(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)(2 * page)), 0);
	return fd;
}

START_TEST(prot_none)
{
	ck_assert_int_eq(mprotect(mem, 8 * page, PROT_NONE), 0);
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_ALL), 0);
	assert_sealed(mem, page);
	ck_assert_int_eq(madvise(mem, page, MADV_DONTNEED), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mprotect(mem + page, page, PROT_READ), 0);
}
END_TEST

START_TEST(shared_memfd)
{
	char *shared = map_file(open_memfd(), MAP_SHARED, READ_WRITE);

	assert_refused(shared, page, MEMSEAL_ALL, -EOPNOTSUPP);
	ck_assert_int_eq(memseal_range(shared, page, MEMSEAL_MAPPING), 0);
	assert_sealed(shared, page);
	ck_assert_int_eq(munmap(shared + page, page), 0);
}
END_TEST

/* Read-only is not enough here: a file mapping is discarded all the same. */
START_TEST(private_file)
{
	char *file = map_file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MAP_PRIVATE, PROT_READ);

	assert_refused(file, page, MEMSEAL_ALL, -EOPNOTSUPP);
	ck_assert_int_eq(memseal_range(file, page, MEMSEAL_MAPPING), 0);
	assert_sealed(file, page);
	ck_assert_int_eq(madvise(file, page, MADV_DONTNEED), 0);
	ck_assert_int_eq(munmap(file + page, page), 0);
}
END_TEST

/* What was sealed before. */

START_TEST(sealing_twice)
{
	struct memseal_range range = { mem, 2 * page, MEMSEAL_MAPPING };
	size_t sealed = 0;

	ck_assert_int_eq(memseal_range(mem, 2 * page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(memseal_ranges(&range, 1, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, 2 * page);
	assert_sealed(mem, 2 * page);
	assert_unsealed(mem + 2 * page, page);
}
END_TEST

/* Each bit of the number says whether a page is sealed before. */
START_TEST(partly_sealed_before)
{
	struct memseal_range range = { mem, 8 * page, MEMSEAL_MAPPING };
	size_t sealed = 0;

	for (int bit = 0; bit < 8; bit++)
		if (_i & 1 << bit)
			ck_assert_int_eq(mseal(mem + bit * (int)page, page, 0), 0);
	ck_assert_int_eq(memseal_ranges(&range, 1, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, 8 * page);
	assert_sealed(mem, 8 * page);
}
END_TEST

/* Several ranges. */

START_TEST(overlapping_ranges)
{
	static const unsigned pages[][4] = {
		/* where the first starts, its length, the same of the second */
		{ 0, 2, 1, 4 },
		{ 2, 2, 0, 4 },
		{ 2, 2, 0, 3 },
		{ 0, 4, 1, 2 },
		{ 1, 2, 0, 4 },
		{ 0, 3, 0, 3 },
		{ 0, 2, 2, 2 },
		{ 5, 1, 0, 2 },
	};
	const unsigned *p = pages[_i];
	struct memseal_range ranges[] = {
		{ mem + p[0] * page, p[1] * page, MEMSEAL_MAPPING },
		{ mem + p[2] * page, p[3] * page, MEMSEAL_MAPPING },
	};
	size_t sealed = 0, expected = 0;

	ck_assert_int_eq(memseal_ranges(ranges, 2, NULL, &sealed), 0);
	for (unsigned i = 0; i < 8; i++)
		expected += (i - p[0] < p[1] || i - p[2] < p[3]) ? page : 0;
	ck_assert_uint_eq(sealed, expected);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), expected);
	assert_sealed(ranges[0].addr, ranges[0].len);
	assert_sealed(ranges[1].addr, ranges[1].len);
}
END_TEST

START_TEST(no_ranges)
{
	size_t sealed = 1;

	ck_assert_int_eq(memseal_ranges(NULL, 0, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, 0);
	ck_assert_int_eq(memseal_ranges(NULL, 1, NULL, &sealed), -EINVAL);
}
END_TEST

/* One that cannot be sealed: nothing of the others is. */
START_TEST(all_are_checked_first)
{
	struct memseal_range ranges[3] = {
		{ mem, page, MEMSEAL_MAPPING },
		{ mem + 2 * page, page, MEMSEAL_MAPPING },
		{ mem + 4 * page, page, MEMSEAL_MAPPING },
	};
	struct memseal_range good = ranges[_i];
	size_t sealed = 1, len;
	char *stack;

	ck_assert(find_mapping("[stack]", &stack, &len));
	ranges[_i].len = 0;
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, NULL), -EINVAL);
	ranges[_i] = good;
	ranges[_i].effects = MEMSEAL_NO_UNMAP;
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, NULL), -EOPNOTSUPP);
	ranges[_i].effects = MEMSEAL_ALL;
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, NULL), -EOPNOTSUPP);
	ranges[_i] = (struct memseal_range){ stack, page, MEMSEAL_MAPPING };
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, &sealed), -EFAULT);
	ck_assert_uint_eq(sealed, 0);
	assert_unsealed(mem, 8 * page);
	ranges[_i] = good;
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, 3 * page);
}
END_TEST

START_TEST(five_hundred_ranges)
{
	enum { COUNT = 500 };
	char *many = map_anon(2 * COUNT, READ_WRITE);
	struct memseal_range ranges[COUNT];
	size_t sealed;

	/* Every other page, from both ends in turn. */
	for (size_t i = 0; i < COUNT; i++) {
		size_t at = i % 2 ? i / 2 : COUNT - 1 - i / 2;

		ranges[i] = (struct memseal_range){ many + 2 * at * page, page, MEMSEAL_MAPPING };
	}
	ck_assert_int_eq(memseal_ranges(ranges, COUNT, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, COUNT * page);
	ck_assert_uint_eq(smaps_sealed(many, 2 * COUNT * page), COUNT * page);
	for (size_t i = 0; i < COUNT; i++) {
		ck_assert_int_eq(munmap(many + 2 * i * page, page), -1);
		ck_assert_int_eq(munmap(many + (2 * i + 1) * page, page), 0);
	}
}
END_TEST

/* Options. */

struct newer_opts {
	struct memseal_opts opts;
	char tail[16];
};

static int seal_with(const void *opts)
{
	struct memseal_range range = { mem, page, MEMSEAL_MAPPING };

	return memseal_ranges(&range, 1, opts, NULL);
}

START_TEST(options_of_other_versions)
{
	struct newer_opts newer = { .opts = { .size = sizeof(newer) } };
	size_t size_alone = sizeof(size_t), nothing = 0, seven = sizeof(size_t) - 1;

	ck_assert_int_eq(seal_with(&nothing), -EINVAL);
	ck_assert_int_eq(seal_with(&seven), -EINVAL);
	newer.tail[15] = 1;
	ck_assert_int_eq(seal_with(&newer), -EINVAL);
	newer.tail[15] = 0;
	newer.tail[0] = 1;
	ck_assert_int_eq(seal_with(&newer), -EINVAL);
	assert_unsealed(mem, page);
	newer.tail[0] = 0;
	ck_assert_int_eq(seal_with(&newer), 0);
	ck_assert_int_eq(seal_with(&size_alone), 0);
	ck_assert_int_eq(seal_with(NULL), 0);
	assert_sealed(mem, page);
}
END_TEST

START_TEST(engines)
{
	struct memseal_opts opts = { .size = sizeof(opts) };

	opts.engine = (enum memseal_engine)99;
	ck_assert_int_eq(seal_with(&opts), -EOPNOTSUPP);
	opts.engine = (enum memseal_engine) - 1;
	ck_assert_int_eq(seal_with(&opts), -EOPNOTSUPP);
	assert_unsealed(mem, page);
	opts.engine = MEMSEAL_ENGINE_KERNEL;
	ck_assert_int_eq(seal_with(&opts), 0);
	assert_sealed(mem, page);
	opts.engine = MEMSEAL_ENGINE_AUTO;
	ck_assert_int_eq(seal_with(&opts), 0);
}
END_TEST

/* What stands in the way. */

static const struct {
	long call;
	int error, answer;
} filters[] = {
	{ SYS_mseal, EPERM, -EPERM },
	{ SYS_mseal, ENOSYS, -EOPNOTSUPP },
	/* Without mremap nobody can tell what is sealed: least of all that everything is. */
	{ SYS_mremap, EPERM, -EOPNOTSUPP },
	{ SYS_mremap, ENOSYS, -EOPNOTSUPP },
	{ SYS_mremap, EINVAL, -EOPNOTSUPP },
};

START_TEST(filtered)
{
	struct memseal_range ranges[] = {
		{ mem, page, MEMSEAL_MAPPING },
		{ mem + 2 * page, page, MEMSEAL_MAPPING },
	};
	size_t sealed = 1;

	ck_assert_int_eq(memseal_range(mem + 4 * page, page, MEMSEAL_MAPPING), 0);
	deny(filters[_i].call, filters[_i].error);
	ck_assert_int_eq(memseal_ranges(ranges, 2, NULL, &sealed), filters[_i].answer);
	ck_assert_uint_eq(sealed, 0);
	assert_unsealed(mem, 4 * page);
}
END_TEST

/* The first range is sealed already, so only the second meets the filter, and the third is told. */
START_TEST(filtered_halfway)
{
	struct memseal_range ranges[] = {
		{ mem, page, MEMSEAL_MAPPING },
		{ mem + 2 * page, 2 * page, MEMSEAL_MAPPING },
		{ mem + 5 * page, page, MEMSEAL_MAPPING },
	};
	size_t sealed = 1;

	ck_assert_int_eq(mseal(mem, page, 0), 0);
	ck_assert_int_eq(mseal(mem + 3 * page, page, 0), 0);
	ck_assert_int_eq(mseal(mem + 5 * page, page, 0), 0);
	deny(SYS_mseal, EPERM);
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, &sealed), -EPERM);
	ck_assert_uint_eq(sealed, 3 * page);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), 3 * page);
}
END_TEST

static const int maps_errors[] = { EACCES, ENOENT, EIO, EMFILE, ENFILE };

START_TEST(maps_cannot_be_opened)
{
	deny(SYS_openat, maps_errors[_i]);
	assert_refused(mem, page, MEMSEAL_MAPPING, -maps_errors[_i]);
	ck_assert_int_eq(mprotect(mem, page, PROT_READ), 0);
}
END_TEST

/* EMFILE as it really comes. */
START_TEST(no_descriptor_left)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_refused(mem, page, MEMSEAL_MAPPING, -EMFILE);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), 0);
}
END_TEST

START_TEST(no_memory_to_work_with)
{
	struct memseal_range ranges[1000];
	size_t sealed = 1;

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct memseal_range){ mem, page, MEMSEAL_MAPPING };
	deny(SYS_mmap, ENOMEM);
	ck_assert_int_eq(memseal_ranges(ranges, ARRAY_SIZE(ranges), NULL, &sealed), -ENOMEM);
	ck_assert_uint_eq(sealed, 0);
	ck_assert_int_eq(mprotect(mem, page, PROT_READ), 0);
}
END_TEST

/* But for a few ranges the stack will do. */
START_TEST(little_needs_no_memory)
{
	deny(SYS_mmap, ENOMEM);
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), 0);
	assert_sealed(mem, page);
}
END_TEST

/* The stack that the next functions will use. */
static __attribute__((noinline)) char *touch_stack(size_t *ret_len)
{
	volatile char deep[1 << 18];

	for (size_t i = 0; i < sizeof(deep); i += 4096)
		deep[i] = 0;
	*ret_len = sizeof(deep) / page * page;
	return (char *)((uintptr_t)deep / page * page);
}

/* A filter that answers 0 to openat(2) has opened nothing: descriptor 0 is the program's. */
START_TEST(standard_input_stays)
{
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_ge(dup2(fd, 0), 0);
	deny(SYS_openat, 0);
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), -EOPNOTSUPP);
	ck_assert_int_eq(fcntl(0, F_GETFD), 0);
	ck_assert_int_eq(mprotect(mem, page, PROT_READ), 0);
}
END_TEST

static void *seal_on_little(void *arg)
{
	uint64_t wanted[] = { MEMSEAL_MAPPING, MEMSEAL_MAPPING | MEMSEAL_NO_DISCARD };

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (memseal_range(mem + i * page, page, wanted[i]) != 0)
			return NULL;
	return memseal_self(NULL) == 0 ? mem : NULL;
}

/* Of which the kernel and the C library have a part already. */
START_TEST(smallest_stack)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result;

	ck_assert_int_eq(mprotect(mem, 2 * page, PROT_READ), 0);
	pthread_attr_init(&attributes);
	ck_assert_int_eq(
		pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)), 0);
	ck_assert_int_eq(pthread_create(&thread, &attributes, seal_on_little, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, mem);
	assert_sealed(mem, 2 * page);
}
END_TEST

/* A page that is sealed is of no use to find out whether mremap(2) is answered truthfully. */
START_TEST(stack_is_sealed)
{
	size_t len;
	char *stack = touch_stack(&len);

	ck_assert_int_eq(mseal(stack, len, 0), 0);
	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), 0);
	assert_sealed(mem, page);
	assert_unsealed(mem + page, page);
}
END_TEST

/* Mappings of one page each, until the kernel has no more. */
static void use_up_map_count(void)
{
	const size_t reserve = 300000;
	char *many = mmap(NULL, reserve * page, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *last;
	size_t i = 1;

	ck_assert_ptr_ne(many, MAP_FAILED);
	while (i < reserve && mprotect(many + i * page, page, PROT_READ) == 0)
		i += 2;
	ck_assert_uint_lt(i, reserve);
	ck_assert_int_eq(errno, ENOMEM);
	/* A split in the middle takes two. mmap(2) may take one more than it: that is left. */
	do {
		last = many;
		many = mmap(NULL, page, i++ % 2 ? PROT_READ : PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	} while (many != MAP_FAILED);
	ck_assert_int_eq(munmap(last, page), 0);
}

/* Sealing a whole mapping needs no other; sealing a part of one does. */
START_TEST(map_count_reached_halfway)
{
	struct memseal_range ranges[] = {
		{ mem, 4 * page, MEMSEAL_MAPPING },
		{ mem + 5 * page, page, MEMSEAL_MAPPING },
		{ mem + 7 * page, page, MEMSEAL_MAPPING },
	};
	struct memseal_status status = { .size = sizeof(status) };
	size_t sealed = 1;

	ck_assert_int_eq(mprotect(mem, 2 * page, PROT_READ), 0);
	ck_assert_int_eq(mprotect(mem + 4 * page, page, PROT_READ), 0);
	ck_assert_int_eq(mseal(mem + 7 * page, page, 0), 0);
	use_up_map_count();
	ck_assert_int_eq(memseal_ranges(ranges, 3, NULL, &sealed), -ENOMEM);
	ck_assert_uint_eq(sealed, 5 * page);
	ck_assert_int_eq(memseal_query(mem, 8 * page, &status), 0);
	ck_assert_uint_eq(status.sealed_bytes, 5 * page);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), 5 * page);
}
END_TEST

/* The same within one range, where the kernel itself stops in the middle. */
START_TEST(map_count_reached_within_a_range)
{
	struct memseal_range range = { mem, 7 * page, MEMSEAL_MAPPING };
	size_t sealed = 1;

	ck_assert_int_eq(mprotect(mem, 2 * page, PROT_READ), 0);
	use_up_map_count();
	ck_assert_int_eq(memseal_ranges(&range, 1, NULL, &sealed), -ENOMEM);
	ck_assert_uint_eq(sealed, 2 * page);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), 2 * page);
	range.len = 8 * page; /* no split: the control */
	ck_assert_int_eq(memseal_ranges(&range, 1, NULL, &sealed), 0);
	ck_assert_uint_eq(sealed, 8 * page);
	assert_sealed(mem, 8 * page);
}
END_TEST

/* Processes and threads. */

START_TEST(children_inherit)
{
	pid_t pid;

	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), 0);
	pid = fork();
	if (pid == 0) {
		bool held = munmap(mem, page) == -1 && errno == EPERM;

		_exit(held && munmap(mem + page, page) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

static void *unmap_sealed(void *arg)
{
	(void)arg;
	return munmap(mem, page) == -1 && errno == EPERM ? mem : NULL;
}

START_TEST(threads_share)
{
	pthread_t thread;
	void *ret;

	ck_assert_int_eq(memseal_range(mem, page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, unmap_sealed, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, &ret), 0);
	ck_assert_ptr_eq(ret, mem);
}
END_TEST

enum { SEALERS = 8, ROUNDS = 40 };

static void *seal_pages(void *arg)
{
	char *mine = arg;

	for (size_t i = 0; i < ROUNDS; i++) {
		int r = memseal_range(mine + 2 * i * page, page, MEMSEAL_MAPPING);

		if (r < 0)
			return (void *)(intptr_t)r;
	}
	return NULL;
}

static void *map_and_unmap(void *arg)
{
	(void)arg;
	for (size_t i = 0; state != 2; i++) {
		size_t len = (1 + i % 7) * page;
		char *p = mmap(NULL, len, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || mprotect(p, page, PROT_READ) < 0 || munmap(p, len) < 0)
			return p;
	}
	return NULL;
}

START_TEST(concurrently)
{
	size_t each = (size_t)ROUNDS * 2 * page;
	char *many = map_anon(SEALERS * ROUNDS * 2, READ_WRITE);
	pthread_t sealers[SEALERS], others[SEALERS];
	void *ret;

	for (size_t i = 0; i < SEALERS; i++) {
		ck_assert_int_eq(pthread_create(&others[i], NULL, map_and_unmap, NULL), 0);
		ck_assert_int_eq(pthread_create(&sealers[i], NULL, seal_pages, many + i * each), 0);
	}
	for (size_t i = 0; i < SEALERS; i++) {
		ck_assert_int_eq(pthread_join(sealers[i], &ret), 0);
		ck_assert_int_eq((int)(intptr_t)ret, 0);
	}
	state = 2;
	for (size_t i = 0; i < SEALERS; i++) {
		ck_assert_int_eq(pthread_join(others[i], &ret), 0);
		ck_assert_ptr_null(ret);
	}
	ck_assert_uint_eq(smaps_sealed(many, SEALERS * each), SEALERS * each / 2);
}
END_TEST

/* by_text: without PROCMAP_QUERY, which Linux has since 6.11, as older kernels do it. */
static TCase *range_case(const char *name, void (*by_text)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, NULL);
	if (by_text)
		tcase_add_checked_fixture(tc, by_text, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, seals_what_it_is_given);
	tcase_add_test(tc, length_is_rounded_up);
	tcase_add_test(tc, unaligned_is_einval);
	tcase_add_test(tc, nothing_is_einval);
	tcase_add_test(tc, wrapping_is_einval);
	tcase_add_test(tc, hole_before_the_stack_is_enomem);
	tcase_add_loop_test(tc, effects_that_cannot_be_held_seal_nothing, 0,
		sizeof(effects) / sizeof(effects[0]));
	tcase_add_test(tc, read_only_memory_is_not_discarded);
	tcase_add_test(tc, writable_memory_is_discarded);
	tcase_add_test(tc, one_writable_page_refuses_all);
	tcase_add_loop_test(tc, hole_is_enomem, 0, 8);
	tcase_add_test(tc, vsyscall_is_enomem);
	tcase_add_test(tc, system_mappings_whole_or_not_at_all);
	tcase_add_test(tc, two_parts_of_vdso_are_not_the_whole);
	tcase_add_test(tc, heap_is_efault);
	tcase_add_test(tc, main_stack_is_efault);
	tcase_add_test(tc, own_stack_of_a_thread_is_efault);
	tcase_add_test(tc, stack_of_another_thread_is_not_recognized);
	tcase_add_test(tc, prot_none);
	tcase_add_test(tc, shared_memfd);
	tcase_add_test(tc, private_file);
	tcase_add_test(tc, sealing_twice);
	tcase_add_loop_test(tc, partly_sealed_before, 0, 256);
	tcase_add_loop_test(tc, overlapping_ranges, 0, 8);
	tcase_add_test(tc, no_ranges);
	tcase_add_loop_test(tc, all_are_checked_first, 0, 3);
	tcase_add_test(tc, five_hundred_ranges);
	tcase_add_test(tc, options_of_other_versions);
	tcase_add_test(tc, engines);
	tcase_add_loop_test(tc, filtered, 0, sizeof(filters) / sizeof(filters[0]));
	tcase_add_test(tc, filtered_halfway);
	tcase_add_loop_test(tc, maps_cannot_be_opened, 0, 5);
	tcase_add_test(tc, no_descriptor_left);
	/* AddressSanitizer needs mappings of its own to end a process. */
	if (!SANITIZED) {
		tcase_add_test(tc, no_memory_to_work_with);
		if (!by_text)
			tcase_add_test(tc, little_needs_no_memory);
		tcase_add_test(tc, standard_input_stays);
		tcase_add_test(tc, stack_is_sealed);
		tcase_add_test(tc, smallest_stack);
		tcase_add_test(tc, map_count_reached_halfway);
		tcase_add_test(tc, map_count_reached_within_a_range);
	}
	tcase_add_test(tc, children_inherit);
	tcase_add_test(tc, threads_share);
	tcase_add_test(tc, concurrently);
	return tc;
}

static Suite *range_suite(void)
{
	Suite *suite = suite_create("range");

	suite_add_tcase(suite, range_case("range", NULL));
	suite_add_tcase(suite, range_case("range by text", deny_map_query));
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(range_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
