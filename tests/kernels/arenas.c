/* SPDX-License-Identifier: MIT */
/*
 * A frozen arena on this kernel, whichever it is, held by whatever engine it has: no attack of the
 * catalogue changes a byte of it, and the same arena before it is frozen is lost to most of them.
 */
#include <errno.h>
#include <memseal.h>

#include "helpers/attack.h"

#define PAGES   8
#define WATCHED 4

static size_t page;
static bool has_mseal;

static void setup(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	has_mseal = sys_mseal(0, 0, 0) == 0;
	if (!has_mseal)
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
}

static struct attack_target new_target(bool frozen)
{
	struct memseal_arena *arena;
	char *mem;

	ck_assert_int_eq(memseal_arena_new(16 * PAGES * page, &arena), 0);
	mem = memseal_arena_alloc(arena, (PAGES - 1) * page, page);
	ck_assert_ptr_nonnull(mem);
	for (size_t i = 0; i < PAGES - 1; i++)
		memset(mem + i * page, 0xaa + (int)i, page);
	if (frozen)
		ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	return (struct attack_target){
		.addr = (uintptr_t)arena,
		.len = PAGES * page,
		.watched = (uintptr_t)arena + WATCHED * page,
		.page = page,
		.file = -1,
		.writable = -1,
	};
}

/* Without a filter, a child may be kept from it, and whoever reads may be stopped. */
static bool is_left(const char *name)
{
	return has_mseal && (strstr(name, "guard-install") || !strcmp(name, "madv-dontfork"));
}

/* The few seconds that an attack has pass sooner on a busy host: then it was none. */
static struct attack_result attacked(
	const struct attack *attack, const struct attack_target *target)
{
	struct attack_result result;
	int r = -EINTR;

	for (int i = 0; i < 5 && r == -EINTR; i++)
		r = attack_run(attack, target, &result);
	if (r == -EINTR && ATTACKS_MAY_DIE)
		return (struct attack_result){ .verdict = ATTACK_UNSUPPORTED };
	ck_assert_msg(r == 0, "%s: %d", attack->name, r);
	return result;
}

START_TEST(no_attack_changes_what_is_frozen)
{
	struct attack_target target = new_target(true);
	unsigned tried = 0;

	for (size_t i = 0; i < attack_count; i++) {
		const char *name = attack_catalogue[i].name;
		struct attack_result result;

		if (is_left(name))
			continue;
		result = attacked(&attack_catalogue[i], &target);
		ck_assert_msg(result.self == ATTACK_UNCHANGED, "%s: %s", name,
			attack_effect_name(result.self));
		ck_assert_msg(result.child == ATTACK_UNCHANGED, "%s, child: %s", name,
			attack_effect_name(result.child));
		tried += result.verdict != ATTACK_UNSUPPORTED;
	}
	ck_assert_uint_ge(tried, 40);
}
END_TEST

START_TEST(attacks_change_what_is_not)
{
	struct attack_target target = new_target(false);
	unsigned changed = 0;

	for (size_t i = 0; i < attack_count; i++) {
		struct attack_result result = attacked(&attack_catalogue[i], &target);

		changed += result.self != ATTACK_UNCHANGED;
	}
	ck_assert_uint_ge(changed, 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arenas");
	TCase *tcase = tcase_create("arenas");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, no_attack_changes_what_is_frozen);
	tcase_add_test(tcase, attacks_change_what_is_not);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
