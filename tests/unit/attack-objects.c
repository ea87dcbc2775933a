/* SPDX-License-Identifier: MIT */
/*
 * Every attack of the catalogue on what the library freezes, and on the same before it is frozen:
 * errno and effect must be those of the expectations, which docs/attacks.md shows.
 *
 * To add an object: a member of enum attack_object, a column in src/attack/expect-objects.c and a
 * line in objects[].
 */
#include <fcntl.h>
#include <memseal-globals.h>
#include <stdio.h>

#include "attack/family.h"
#include "helpers/attack.h"

#define PAGES   4
#define WATCHED 2 /* not the first page, not the last */

static size_t page;

/*
 * Something of PAGES pages with free room on both sides, every page different, and frozen if asked
 * to be: its address.
 */
struct object {
	void *(*make)(bool frozen, size_t *ret_len);
	bool consent;
	int before; /* what it is until it is frozen: enum attack_kind, or OTHER */
};

#define OTHER (-1)

/* The next one would lie right below: it is given back, and leaves room. */
static void *make_arena(bool frozen, size_t *ret_len)
{
	struct memseal_arena *arena, *below;
	unsigned char *mem;

	ck_assert_int_eq(memseal_arena_new(16 * PAGES * page, &arena), 0);
	ck_assert_int_eq(memseal_arena_new(16 * PAGES * page, &below), 0);
	while ((mem = memseal_arena_alloc(arena, 1, 1)) !=
		(unsigned char *)arena + PAGES * page - 1)
		*mem = (unsigned char)(0xaa + ((uintptr_t)mem - (uintptr_t)arena) / page);
	*mem = 0xaa + PAGES - 1;
	if (frozen)
		ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	else
		ck_assert_int_eq(munmap((char *)arena + PAGES * page, 15 * PAGES * page), 0);
	memseal_arena_free(below);
	*ret_len = PAGES * page;
	return arena;
}

/* More than the largest page, so that one page of it is all its own. */
static MEMSEAL_RO_AFTER_INIT unsigned char globals[PAGES * 65536];

static int within(const char *line, uintptr_t addr)
{
	unsigned long start, end;

	return sscanf(line, "%lx-%lx ", &start, &end) == 2 && addr >= start && addr < end;
}

/* The start of the mapping, and its pages: all that the linker put there. */
static void *mapping_of(const void *addr, size_t *ret_len)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned long start = 0, end = 0;
	char line[8192];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (within(line, (uintptr_t)addr))
			sscanf(line, "%lx-%lx ", &start, &end);
	fclose(file);
	*ret_len = end - start;
	return (void *)start;
}

/* Its neighbours are the program's other data: of what is not frozen only a page is attacked. */
static void *make_globals(bool frozen, size_t *ret_len)
{
	for (size_t i = 0; i < sizeof(globals); i++)
		globals[i] = (unsigned char)(0xaa + i / page % 64);
	if (frozen) {
		ck_assert_int_eq(memseal_globals_freeze(), 0);
		return mapping_of(globals, ret_len);
	}
	*ret_len = PAGES * page;
	return globals + page - (uintptr_t)globals % page;
}

static const struct object objects[ATTACK_OBJECTS] = {
	[ATTACK_ARENA] = { make_arena, false, ATTACK_ANON_RW },
	[ATTACK_ARENA_FILTER] = { make_arena, true, ATTACK_ANON_RW },
	[ATTACK_GLOBALS] = { make_globals, false, OTHER },
	[ATTACK_GLOBALS_FILTER] = { make_globals, true, OTHER },
};

/* The file behind a mapping, by a way that takes CAP_CHECKPOINT_RESTORE; or -1. */
static int open_mapped(const struct attack_target *target)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)target->addr,
		(unsigned long)(target->addr + target->len));
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert(fd >= 0 || cannot_be_tried("file-map-files"));
	return fd;
}

static struct attack_target new_target(enum attack_object which, bool frozen)
{
	const struct object *object = &objects[which];
	struct attack_target target = { .page = page, .file = -1, .writable = -1 };

	if (object->consent)
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	target.addr = (uintptr_t)object->make(frozen, &target.len);
	target.watched = target.addr + WATCHED * page;
	target.offset = WATCHED * page;
	if (frozen)
		target.file = target.writable = open_mapped(&target);
	return target;
}

static struct attack_target new_open(int which)
{
	return new_target((enum attack_object)which, false);
}

static struct attack_target new_frozen(int which)
{
	return new_target((enum attack_object)which, true);
}

static unsigned compare(
	const struct attack *attack, const char *what, int which, bool frozen, const char *expected)
{
	char text[ATTACK_TEXT_SIZE];

	ck_assert_ptr_nonnull(expected);
	if (cannot_be_tried(attack->name) ||
		(cannot_be_tried("file-map-files") && strncmp(attack->name, "file-", 5) == 0))
		expected = "untried";
	observe(attack, frozen ? new_frozen : new_open, which, text);
	if (strcmp(text, expected) == 0)
		return 0;
	printf("# %s on %s: \"%s\", expected \"%s\"\n", attack->name, what, text, expected);
	return 1;
}

START_TEST(frozen)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < attack_count; i++)
		wrong += compare(&attack_catalogue[i], attack_object_name(_i), _i, true,
			attack_object_expected(attack_catalogue[i].name, _i));
	fflush(stdout);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* Attacks that did something to what is not frozen and lies beside other data of the program. */
static unsigned count_harm(int which)
{
	char text[ATTACK_TEXT_SIZE];
	unsigned harmed = 0;

	for (size_t i = 0; i < attack_count; i++) {
		if (strstr(attack_catalogue[i].name, "-around"))
			continue;
		observe(&attack_catalogue[i], new_open, which, text);
		harmed += strncmp(text, "ok, ", 4) == 0;
	}
	return harmed;
}

/* The control: what was refused above works on what was not frozen. */
START_TEST(not_frozen)
{
	unsigned wrong = 0;

	if (objects[_i].before == OTHER) {
		ck_assert_uint_ge(count_harm(_i), 30);
		return;
	}
	for (size_t i = 0; i < attack_count; i++)
		wrong += compare(&attack_catalogue[i], "the same, not frozen", _i, false,
			attack_expected(attack_catalogue[i].name,
				(enum attack_kind)objects[_i].before, ATTACK_LOCK_NONE));
	fflush(stdout);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* In a word: what a frozen object's bytes come to. These two are left, without a filter. */
START_TEST(what_is_left)
{
	for (size_t i = 0; i < attack_count; i++) {
		const char *name = attack_catalogue[i].name;
		const char *text = attack_object_expected(name, _i);
		bool guard = strstr(name, "guard-install"),
		     hole = strcmp(name, "madv-dontfork") == 0;

		if (!objects[_i].consent && (guard || hole))
			ck_assert_str_eq(text, guard ? "ok, SIGSEGV" : "ok, child SIGSEGV");
		else /* "ok" changed nothing */
			ck_assert(strncmp(text, "ok", 2) != 0 || strcmp(text, "ok") == 0);
	}
}
END_TEST

/*
 * A thread of the kernel's that was set to work before the memory was frozen, and needs no call any
 * more. A program with filters is told so (memseal_arena_freeze(3), -EBUSY).
 */
START_TEST(polling_ring)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_WIPEONFORK };
	static const int answers[] = { 0, -EINVAL, -EACCES, -EINVAL };
	struct attack_target control, target;
	struct attack_ring ring;
	unsigned char before;

	ck_assert_int_eq(attack_ring_open(&ring, IORING_SETUP_SQPOLL), 0);
	control = new_target(ATTACK_ARENA, false);
	target = new_target(ATTACK_ARENA, true);
	before = *(unsigned char *)(uintptr_t)target.watched;
	for (size_t i = 0; i < ARRAY_SIZE(advice); i++) {
		ck_assert_int_eq(attack_ring_advise(&ring, &target, advice[i]), answers[i]);
		ck_assert_int_eq(*(unsigned char *)(uintptr_t)target.watched, before);
	}
	ck_assert_int_eq(attack_ring_advise(&ring, &control, MADV_DONTNEED), 0);
	ck_assert_int_eq(*(unsigned char *)(uintptr_t)control.watched, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attack-objects");
	TCase *tcase = tcase_create("attack-objects");
	SRunner *runner = srunner_create(suite);
	int failed;

	page = (size_t)sysconf(_SC_PAGESIZE);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, frozen, 0, ATTACK_OBJECTS);
	tcase_add_loop_test(tcase, not_frozen, 0, ATTACK_OBJECTS);
	tcase_add_loop_test(tcase, what_is_left, 0, ATTACK_OBJECTS);
	tcase_add_test(tcase, polling_ring);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
