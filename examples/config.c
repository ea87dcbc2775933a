/* SPDX-License-Identifier: MIT */
/*
 * A server reads its configuration into an arena, freezes it, and then serves. Its request handler
 * has a bug: an attacker chooses where it writes. Before the freeze that makes him an
 * administrator; after it, the handler is stopped, and the configuration is what it was.
 */
#include <errno.h>
#include <memseal.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char file[] = "listen=127.0.0.1:80\n"
			   "root=/srv/www\n"
			   "admin=no\n";

struct setting {
	const char *key;
	char *value;
	struct setting *next;
};

static int surprises;

__attribute__((noreturn)) static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(1);
}

/* All of the configuration is in the arena: the list as well as the strings. */
static void *take(struct memseal_arena *arena, size_t size)
{
	void *mem = memseal_arena_alloc(arena, size, 16);

	if (!mem)
		fail("memseal_arena_alloc", errno);
	return mem;
}

static char *copy(struct memseal_arena *arena, const char *text, size_t len)
{
	return memcpy(take(arena, len + 1), text, len); /* what is taken is zeroed */
}

static struct setting *parse(struct memseal_arena *arena, const char *text)
{
	struct setting *first = NULL, *setting;

	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		const char *equals = memchr(text, '=', (size_t)(end - text));

		if (!equals)
			continue;
		setting = take(arena, sizeof(*setting));
		setting->key = copy(arena, text, (size_t)(equals - text));
		setting->value = copy(arena, equals + 1, (size_t)(end - equals - 1));
		setting->next = first;
		first = setting;
	}
	return first;
}

static char *look_up(struct setting *config, const char *key)
{
	for (; config; config = config->next)
		if (strcmp(config->key, key) == 0)
			return config->value;
	return NULL;
}

/* The bug: where and what come from the request. */
static void handle_request(struct setting *config, char *where, const char *what)
{
	strcpy(where, what);
	printf("request served, admin=%s\n", look_up(config, "admin"));
	fflush(stdout);
}

/* Each request is served by a child. */
static void serve(struct setting *config, const char *what, int expected)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		handle_request(config, look_up(config, "admin"), what);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("fork", errno);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
		puts("request stopped by SIGSEGV");
	surprises += WIFSIGNALED(status) ? WTERMSIG(status) != expected : expected != 0;
}

int main(void)
{
	struct memseal_arena *arena;
	struct setting *config;
	int r = memseal_arena_new(64 * 1024, &arena);

	/* No mseal(2) here. A filter can do it, once the program agrees to what that costs. */
	if (r == -EOPNOTSUPP) {
		puts("this kernel has no mseal(2): a filter is used");
		r = memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
		if (r == 0)
			r = memseal_arena_new(64 * 1024, &arena);
	}
	if (r < 0)
		fail("memseal_arena_new", -r);
	config = parse(arena, file);
	printf("read: listen=%s root=%s admin=%s\n", look_up(config, "listen"),
		look_up(config, "root"), look_up(config, "admin"));

	puts("an attack on a configuration that is not frozen:");
	serve(config, "yes", 0);

	r = memseal_arena_freeze(arena);
	if (r < 0)
		fail("memseal_arena_freeze", -r);
	puts("the same after it was frozen:");
	serve(config, "yes", SIGSEGV);
	printf("the server goes on, admin=%s\n", look_up(config, "admin"));
	surprises += strcmp(look_up(config, "admin"), "no") != 0;
	return surprises ? 1 : 0;
}
