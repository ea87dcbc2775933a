/* SPDX-License-Identifier: MIT */
/*
 * No public function returns an error that its documentation does not name, whatever a system call
 * answers. The lists of base/errors.h are compared with the headers; then every system call of
 * every function fails with every errno, each in a child.
 */
#include "base/errors.h"

#include <check.h>
#include <memseal-compat.h>
#include <memseal-globals.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "helpers/memory.h"

#define ERRNO_MAX 133

static size_t page;
static char *mem;
static struct memseal_arena *arena;
static struct memseal_code *code;
static struct memseal_pool *pool;
static struct memseal_program *program;
static MEMSEAL_RO_AFTER_INIT int frozen = 1;

static int error_of(int r)
{
	return r < 0 ? -errno : 0;
}

static void consent(void)
{
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
}

/* What each function needs is made by prepare, without a fault. */

static void map_memory(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	mem = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(mem, MAP_FAILED);
}

static void map_and_consent(void)
{
	map_memory();
	consent();
}

static void make_arena(void)
{
	ck_assert_int_eq(memseal_arena_new(10000, &arena), 0);
	ck_assert_ptr_nonnull(memseal_arena_alloc(arena, 100, 16));
}

static void make_arena_with_consent(void)
{
	consent();
	make_arena();
}

static void make_code(enum memseal_code_mode mode)
{
	const struct memseal_code_opts opts = { .size = sizeof(opts), .mode = mode };

	ck_assert_int_eq(memseal_code_new_opts(10000, &opts, &code), 0);
	mem = memseal_code_alloc(code, 64, 16);
	ck_assert_ptr_nonnull(mem);
}

static void make_dual(void)
{
	make_code(MEMSEAL_CODE_DUAL);
}

static void make_flip(void)
{
	make_code(MEMSEAL_CODE_FLIP);
}

static void make_pool(void)
{
	ck_assert_int_eq(memseal_pool_new(32, 10, &pool), 0);
}

static void find_true(void)
{
	const struct memseal_run_opts opts = { .size = sizeof(opts), .allow_unsealed = true };

	ck_assert_int_eq(memseal_program_find("true", NULL, &opts, &program), 0);
}

static void nothing(void)
{
}

static int call_range(void)
{
	return memseal_range(mem, 2 * page, MEMSEAL_MAPPING);
}

static int call_range_of_filters(void)
{
	return memseal_range(mem, 2 * page, MEMSEAL_ALL);
}

static int call_ranges(void)
{
	struct memseal_range range = { mem, page, MEMSEAL_MAPPING };

	return memseal_ranges(&range, 1, NULL, NULL);
}

static int call_map(void)
{
	return memseal_map(page, PROT_READ, MEMSEAL_MAPPING) ? 0 : -errno;
}

static int call_map_in_window(void)
{
	uint64_t effects = MEMSEAL_RATCHET | MEMSEAL_NO_DISCARD;

	return memseal_map(page, PROT_READ | PROT_WRITE, effects) ? 0 : -errno;
}

static int call_query(void)
{
	struct memseal_status status = { .size = sizeof(status) };

	return memseal_query(mem, 2 * page, &status);
}

static int call_allow(void)
{
	return memseal_filter_allow(MEMSEAL_EXEC_ALLOW);
}

static int call_refuse(void)
{
	return memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
}

static int call_arena_new(void)
{
	return memseal_arena_new(10000, &arena);
}

static int call_arena_freeze(void)
{
	return memseal_arena_freeze(arena);
}

static int call_globals_freeze(void)
{
	return memseal_globals_freeze();
}

static int call_code_new(void)
{
	return memseal_code_new(10000, &code);
}

static int call_code_new_opts(void)
{
	const struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_FLIP };

	return memseal_code_new_opts(10000, &opts, &code);
}

static int call_code_publish(void)
{
	return memseal_code_publish(code, mem, 64);
}

static int call_pool_new(void)
{
	return memseal_pool_new(32, 10, &pool);
}

static int call_pool_new_opts(void)
{
	const struct memseal_pool_opts opts = { .size = sizeof(opts),
		.demand = MEMSEAL_POOL_SEALED };

	return memseal_pool_new_opts(32, 10, &opts, &pool);
}

static int call_pool_status(void)
{
	struct memseal_pool_status status = { .size = sizeof(status) };

	return memseal_pool_status(pool, &status);
}

static int call_self(void)
{
	return memseal_self(NULL);
}

static int call_probe(void)
{
	struct memseal_features features = { .size = sizeof(features) };

	return memseal_probe(&features);
}

static int call_program_find(void)
{
	return memseal_program_find("true", NULL, NULL, &program);
}

static int call_program_exec(void)
{
	char name[] = "true";
	char *argv[] = { name, NULL }, *envp[] = { NULL };

	return memseal_program_exec(program, argv, envp);
}

static int call_process_open(void)
{
	struct memseal_process *process;
	int r = memseal_process_open(getppid(), NULL, &process);

	if (r == 0)
		memseal_process_close(process);
	return r;
}

static int call_process_name(void)
{
	char name[MEMSEAL_NAME_SIZE];

	return memseal_process_name(getppid(), NULL, name);
}

static int pass_over(pid_t pid, void *arg)
{
	(void)pid;
	(void)arg;
	return 0;
}

static int call_process_each(void)
{
	return memseal_process_each(NULL, pass_over, NULL);
}

static int call_mimmutable(void)
{
	return error_of(mimmutable(mem, page));
}

static int call_mseal_types(void)
{
	return error_of(mseal_types(mem, page, MM_SEAL_MPROTECT, 0));
}

#define LIST(...) ((const int[]){ __VA_ARGS__, 0 })

static const struct function {
	const char *header, *name;
	const int *documented;
	void (*prepare)(void);
	int (*call)(void);
} functions[] = {
	{ "memseal.h", "memseal_range", LIST(ERRORS_RANGES), map_memory, call_range },
	{ "memseal.h", "memseal_range", LIST(ERRORS_RANGES), map_and_consent,
		call_range_of_filters },
	{ "memseal.h", "memseal_ranges", LIST(ERRORS_RANGES), map_memory, call_ranges },
	{ "memseal.h", "memseal_map", LIST(ERRORS_MAP), map_memory, call_map },
	{ "memseal.h", "memseal_map", LIST(ERRORS_MAP), map_and_consent, call_map_in_window },
	{ "memseal.h", "memseal_query", LIST(ERRORS_QUERY), map_memory, call_query },
	{ "memseal.h", "memseal_filter_allow", LIST(ERRORS_ALLOW), nothing, call_allow },
	{ "memseal.h", "memseal_filter_allow", LIST(ERRORS_ALLOW), nothing, call_refuse },
	{ "memseal.h", "memseal_arena_new", LIST(ERRORS_ARENA), nothing, call_arena_new },
	{ "memseal.h", "memseal_arena_freeze", LIST(ERRORS_FREEZE), make_arena, call_arena_freeze },
	{ "memseal.h", "memseal_arena_freeze", LIST(ERRORS_FREEZE), make_arena_with_consent,
		call_arena_freeze },
	{ "memseal-globals.h", "memseal_globals_freeze", LIST(ERRORS_GLOBALS), nothing,
		call_globals_freeze },
	{ "memseal.h", "memseal_code_new", LIST(ERRORS_CODE), nothing, call_code_new },
	{ "memseal.h", "memseal_code_new_opts", LIST(ERRORS_CODE), nothing, call_code_new_opts },
	{ "memseal.h", "memseal_code_publish", LIST(ERRORS_PUBLISH), make_dual, call_code_publish },
	{ "memseal.h", "memseal_code_publish", LIST(ERRORS_PUBLISH), make_flip, call_code_publish },
	{ "memseal.h", "memseal_pool_new", LIST(ERRORS_POOL), nothing, call_pool_new },
	{ "memseal.h", "memseal_pool_new_opts", LIST(ERRORS_POOL), nothing, call_pool_new_opts },
	{ "memseal.h", "memseal_pool_status", LIST(ERRORS_POOL_STATUS), make_pool,
		call_pool_status },
	{ "memseal.h", "memseal_self", LIST(ERRORS_SELF), nothing, call_self },
	{ "memseal.h", "memseal_probe", LIST(ERRORS_PROBE), nothing, call_probe },
	{ "memseal.h", "memseal_program_find", LIST(ERRORS_PROGRAM_FIND), nothing,
		call_program_find },
	{ "memseal.h", "memseal_program_exec", LIST(ERRORS_PROGRAM_EXEC), find_true,
		call_program_exec },
	{ "memseal.h", "memseal_process_open", LIST(ERRORS_PROCESS_OPEN), nothing,
		call_process_open },
	{ "memseal.h", "memseal_process_name", LIST(ERRORS_PROCESS_NAME), nothing,
		call_process_name },
	{ "memseal.h", "memseal_process_each", LIST(ERRORS_PROCESS_EACH), nothing,
		call_process_each },
	{ "memseal-compat.h", "mimmutable", LIST(ERRORS_MIMMUTABLE), map_memory, call_mimmutable },
	{ "memseal-compat.h", "mseal_types", LIST(ERRORS_RANGES), map_and_consent,
		call_mseal_types },
};

#define COUNT ((int)(sizeof(functions) / sizeof(functions[0])))

static const struct {
	const char *text;
	int number;
} names[] = {
#define NAME(error)           \
	{                     \
#error, error \
	}
	NAME(E2BIG),
	NAME(EACCES),
	NAME(EAGAIN),
	NAME(EALREADY),
	NAME(EBADMSG),
	NAME(EBUSY),
	NAME(EFAULT),
	NAME(EFBIG),
	NAME(EINVAL),
	NAME(EIO),
	NAME(EISDIR),
	NAME(ELIBBAD),
	NAME(ELOOP),
	NAME(EMFILE),
	NAME(ENAMETOOLONG),
	NAME(ENFILE),
	NAME(ENOENT),
	NAME(ENOEXEC),
	NAME(ENOMEM),
	NAME(ENOSPC),
	NAME(ENOTDIR),
	NAME(ENOTRECOVERABLE),
	NAME(ENOTUNIQ),
	NAME(ENXIO),
	NAME(EOPNOTSUPP),
	NAME(EPERM),
	NAME(ESRCH),
	NAME(ETXTBSY),
#undef NAME
};

static bool set[ERRNO_MAX + 1]; /* of the function that is looked at */

static void add_name(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].text) == len && !memcmp(names[i].text, text, len)) {
			set[names[i].number] = true;
			return;
		}
	}
	ck_abort_msg("unknown error %.*s", (int)len, text);
}

/* The names that a line of a list begins with: "-EMFILE, -ENFILE  no free file descriptor". */
static void add_line(const char *line)
{
	size_t len;

	for (;;) {
		line += *line == '-';
		if (line[0] != 'E' || !((line[1] >= 'A' && line[1] <= 'Z') || line[1] == '2'))
			return;
		len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

		add_name(line, len);
		line += len;
		if (line[0] != ',' || line[1] != ' ')
			return;
		line += 2;
	}
}

static char *read_header(const char *name)
{
	char path[4096];
	size_t size = 1 << 20, len;
	char *text = calloc(1, size);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", TEST_INCLUDE, name);
	file = fopen(path, "r");
	ck_assert_msg(file && text, "%s", path);
	len = fread(text, 1, size - 1, file);
	ck_assert_uint_gt(len, 0);
	fclose(file);
	return text;
}

/* The comment before the declaration. */
static void read_documented(const struct function *function)
{
	char *text = read_header(function->header), name[64], *at, *line = NULL;

	memset(set, 0, sizeof(set));
	snprintf(name, sizeof(name), "%s(", function->name);
	for (at = strstr(text, name); at; at = strstr(at + 1, name))
		if (at[-1] == '*' || (at[-1] == ' ' && at[-2] == 't' && at[-3] == 'n'))
			break;
	ck_assert_msg(at, "no declaration of %s", function->name);
	*at = '\0';
	for (char *next = text; (next = strstr(next, "/*\n")); next++)
		line = next;
	ck_assert_ptr_nonnull(line);
	for (line = strchr(line, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
		if (!strncmp(line + 1, " * ", 3))
			add_line(line + 4);
	free(text);
}

START_TEST(lists_are_the_headers)
{
	const struct function *function = &functions[_i];
	bool listed[ERRNO_MAX + 1] = { false };

	read_documented(function);
	for (const int *error = function->documented; *error; error++)
		listed[*error] = true;
	for (int i = 1; i <= ERRNO_MAX; i++)
		ck_assert_msg(listed[i] == set[i], "%s: %s is in one list only", function->name,
			strerror(i));
}
END_TEST

static unsigned long *calls; /* shared: how many the function makes */

/* The error that the function returns in a child where the nth call fails, or 0. */
static int try(const struct function *function, unsigned long nth, int error)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int r;

		function->prepare();
		fault_arm(nth, error);
		r = function->call();
		*calls = fault_count();
		_exit(r < 0 ? -r : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "%s: call %lu with %s ended with status %#x",
		function->name, nth, strerror(error), (unsigned)status);
	return WEXITSTATUS(status);
}

/*
 * Where there are many system calls not each fails with each errno, but each fails, and each errno
 * is met.
 */
#define MOST (SANITIZED ? 100 : 300)

START_TEST(no_other_error_is_returned)
{
	const struct function *function = &functions[_i];
	unsigned long all, step;

	ck_assert_int_eq(frozen, 1);
	calls = mmap(
		NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	read_documented(function);
	ck_assert_int_eq(try(function, 0, 0), 0);
	/* exec() does not come back to tell. */
	all = (*calls ? *calls : 3) * ERRNO_MAX;
	ck_assert_uint_gt(all, 0);
	for (step = all / MOST + 1; ERRNO_MAX % step == 0;)
		step++;
	for (unsigned long i = 0; i < all; i += step) {
		unsigned long nth = i / ERRNO_MAX + 1;
		int error = (int)(i % ERRNO_MAX) + 1, r = try(function, nth, error);

		ck_assert_msg(r == 0 || set[r], "%s returns %s when call %lu fails with %s",
			function->name, strerror(r), nth, strerror(error));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errors");
	TCase *cases = tcase_create("errors");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, lists_are_the_headers, 0, COUNT);
	tcase_add_loop_test(cases, no_other_error_is_returned, 0, COUNT);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
