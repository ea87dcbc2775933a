/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of what programs do with the library and of what stands in its way: memory is
 * mapped, sealed, frozen and published; forks, threads, limits and failing system calls come in
 * between; attackers try to change it. The model is one line: what was reported as held never
 * changes. random SECONDS [SEED]: prints the seed of a sequence that breaks it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <memseal.h>

#include "base/fault.h"
#include "truth/subject.h"

#define THINGS  24 /* of a process at most */
#define OPS     60 /* of a sequence */
#define SECONDS 20 /* that a sequence may take, on a busy machine */

enum kind {
	RANGE,
	MAP,
	ARENA,
	CODE,
	KINDS,
};

/* Something of the library, and what it reported of it. */
struct thing {
	enum kind kind;
	bool held;
	struct promised promised;
	struct memseal_arena *arena;
	struct memseal_code *code;
	unsigned char *bytes; /* a copy, from the moment when it was reported as held */
};

static struct thing things[THINGS];
static size_t thing_count, page;
static char *broken; /* shared with all children: 256 bytes */

/* xorshift64 */
static uint64_t state;

static unsigned below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % limit;
}

static void report(const char *what, const struct thing *thing)
{
	static const char *const names[] = { "range", "map", "arena", "code" };

	if (!broken[0])
		snprintf(broken, 256, "%s: %s", names[thing->kind], what);
}

static void keep(struct thing *thing, int answer)
{
	thing->held = answer == 0;
	if (!thing->held)
		return;
	thing->bytes = malloc(thing->promised.len);
	memcpy(thing->bytes, thing->promised.at, thing->promised.len);
}

static bool make_memory(struct thing *thing)
{
	size_t len = (1 + below(4)) * page;
	unsigned char *at =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	memset(at, (int)below(256), len);
	if (mprotect(at, len, PROT_READ) < 0)
		return false;
	thing->promised = (struct promised){ at, len, PROMISE_PLACE };
	return true;
}

static bool make_arena(struct thing *thing)
{
	size_t len = (1 + below(3)) * page;
	unsigned char *at;

	if (memseal_arena_new(4 * page, &thing->arena) < 0)
		return false;
	at = memseal_arena_alloc(thing->arena, len, page);
	memset(at, (int)below(256), len);
	thing->promised = (struct promised){ at, len, PROMISE_PLACE | PROMISE_BYTES };
	return true;
}

static bool make_code(struct thing *thing)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_FLIP };
	void *at;

	if (memseal_code_new_opts(2 * page, &opts, &thing->code) < 0)
		return false;
	at = memseal_code_alloc(thing->code, page, page);
	memset(at, (int)below(256), page);
	thing->promised = (struct promised){ at, page, PROMISE_PLACE | PROMISE_BYTES };
	return true;
}

static void op_make(void)
{
	struct thing *thing = &things[thing_count];

	if (thing_count == THINGS)
		return;
	*thing = (struct thing){ .kind = below(KINDS) };
	if (thing->kind == ARENA       ? make_arena(thing)
		: thing->kind == CODE  ? make_code(thing)
		: thing->kind == RANGE ? make_memory(thing)
				       : true)
		thing_count++;
}

static int hold(struct thing *thing)
{
	switch (thing->kind) {
	case RANGE:
		return memseal_range(thing->promised.at, thing->promised.len, MEMSEAL_ALL);
	case MAP:
		thing->promised = (struct promised){ memseal_map(2 * page, PROT_READ, MEMSEAL_ALL),
			2 * page, PROMISE_PLACE };
		return thing->promised.at ? 0 : -errno;
	case ARENA:
		return memseal_arena_freeze(thing->arena);
	default:
		return memseal_code_publish(thing->code, thing->promised.at, page);
	}
}

static struct thing *any_thing(bool held)
{
	for (unsigned tries = 0; thing_count && tries < 8; tries++) {
		struct thing *thing = &things[below((unsigned)thing_count)];

		if (thing->held == held)
			return thing;
	}
	return NULL;
}

static void op_hold(void)
{
	struct thing *thing = any_thing(false);

	if (thing)
		keep(thing, hold(thing));
}

static void op_hold_failing(void)
{
	static const int errors[] = { ENOMEM, ENOSYS, EACCES, EINTR, EBADF };

	fault_arm(1 + below(25), errors[below(5)]);
	op_hold();
	fault_arm(0, 0);
}

static void op_hold_limited(void)
{
	static const __rlimit_resource_t resources[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE,
		RLIMIT_NOFILE, RLIMIT_MEMLOCK };
	__rlimit_resource_t resource = resources[below(5)];
	struct rlimit before, limit;

	getrlimit(resource, &before);
	limit = before;
	limit.rlim_cur = below(8) * (resource == RLIMIT_NOFILE ? 1 : page);
	setrlimit(resource, &limit);
	op_hold();
	setrlimit(resource, &before);
}

static void *hold_in_thread(void *arg)
{
	struct thing *thing = arg;

	keep(thing, hold(thing));
	return NULL;
}

/* Another thread holds one thing while this one holds another, or forks. */
static void op_threads(void)
{
	struct thing *thing = any_thing(false);
	pthread_t thread;
	pid_t pid;

	if (!thing || pthread_create(&thread, NULL, hold_in_thread, thing) != 0)
		return;
	pid = fork();
	if (pid == 0) { /* where that thread is not: what it was about may be done anew */
		alarm(SECONDS);
		if (!thing->held)
			keep(thing, hold(thing));
		if (thing->held && attack_promised(&thing->promised))
			report("a child of fork(2) changed it", thing);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pthread_join(thread, NULL);
}

static void op_attack(void)
{
	struct thing *thing = any_thing(true);
	const char *changed = thing ? attack_promised(&thing->promised) : NULL;

	if (changed)
		report(changed, thing);
}

/* A child goes on by itself; what it does to its copies is nothing to this process. */
static void op_attack_in_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 4; i++) {
			op_attack();
			op_hold();
		}
		op_attack();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void (*const ops[])(void) = { op_make, op_make, op_make, op_hold, op_hold_failing,
	op_hold_limited, op_threads, op_attack, op_attack_in_child };

static void check_all(void)
{
	for (size_t i = 0; i < thing_count; i++)
		if (things[i].held &&
			memcmp(things[i].promised.at, things[i].bytes, things[i].promised.len) != 0)
			report("its bytes are others", &things[i]);
}

static void run_sequence(uint64_t seed)
{
	state = seed;
	alarm(SECONDS);
	if (below(4) == 0 && memseal_filter_allow(MEMSEAL_EXEC_ALLOW) < 0)
		_exit(2);
	for (int i = 0; !broken[0] && i < OPS; i++) {
		ops[below(sizeof(ops) / sizeof(ops[0]))]();
		check_all();
	}
	_exit(0);
}

static bool sequence_holds(uint64_t seed)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		run_sequence(seed);
	waitpid(pid, &status, 0);
	if (status != 0 && !broken[0])
		snprintf(broken, 256, "ended with %#x", (unsigned)status);
	return !broken[0];
}

int main(int argc, char **argv)
{
	long seconds = argc > 1 ? atol(argv[1]) : 20;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x9e3779b97f4a7c15;
	time_t end = time(NULL) + seconds;
	unsigned long count = 0;

	page = (size_t)sysconf(_SC_PAGESIZE);
	broken = mmap(NULL, 256, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	do {
		if (!sequence_holds(seed + count)) {
			printf("not ok 1 - what was reported as held does not change\n"
			       "# seed %#llx: %s\n1..1\n",
				(unsigned long long)(seed + count), broken);
			return 1;
		}
		count++;
	} while (argc <= 2 && time(NULL) < end);
	printf("ok 1 - what was reported as held does not change\n# %lu sequences\n1..1\n", count);
	return 0;
}
