/* SPDX-License-Identifier: MIT */
/*
 * agent-walked DISTURBANCE OBJECT...: what tests/truth/agent.py runs with the agent in it. Opens
 *the objects while it is disturbed, says "ready OBJECT..." of those that it has, and then attacks
 *the pages that it is told on standard input ("START END"), which somebody reports as sealed:
 *"held", or what an attack did.
 *
 *	none          nothing
 *	limit=R,N     RLIMIT number R is what is used, and N
 *	maps=N        N mappings are left of vm.max_map_count
 *	forks         a thread forks; each child attacks the C library
 *	opens         a thread opens objects
 *	writes        a thread writes to every descriptor
 *	fork-at-call  forks where the agent says so on descriptor 201, and answers on 202; the child
 *	              opens an object, too, and attacks that
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096UL
#define ASKED 200 /* and 201, the agent's end */
#define DONE  203 /* and 202 */

static volatile bool over;
static bool tight; /* no room: the kernel may find that before it finds the seal */

static bool refused(void)
{
	return errno == EPERM || (tight && errno == ENOMEM);
}

static const char *attack(uintptr_t at)
{
	void *page = (void *)at, *away;

	if (!mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
		return "mprotect to rwx";
	if (errno != EPERM && errno != EACCES)
		return "mprotect: another errno";
	if (!mprotect(page, PAGE, PROT_NONE) || !refused())
		return "mprotect to nothing";
	away = mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x500000000000);
	if (away != MAP_FAILED || !refused())
		return "mremap";
	away = mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (away != MAP_FAILED || !refused())
		return "mmap";
	return munmap(page, PAGE) == 0 || !refused() ? "munmap" : NULL;
}

/* Discarding changes no byte of what cannot be written. */
static const char *discard(uintptr_t at)
{
	static unsigned char before[PAGE];

	if (mincore((void *)at, PAGE, before) < 0)
		return NULL;
	memcpy(before, (void *)at, PAGE);
	(void)madvise((void *)at, PAGE, MADV_DONTNEED);
	return memcmp(before, (void *)at, PAGE) ? "MADV_DONTNEED" : NULL;
}

static void give_up(int sig)
{
	(void)sig;
	_exit(0);
}

static int pass(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)info;
	(void)size;
	(void)arg;
	return 0;
}

/*
 * glibc does not free its loader's locks in a child: one that another thread of the parent had is
 * held for ever. Then nothing can be opened.
 */
static void need_list(void)
{
	signal(SIGALRM, give_up);
	ualarm(200000, 0);
	dl_iterate_phdr(pass, NULL);
	ualarm(0, 0);
	signal(SIGALRM, SIG_DFL);
}

static void child(bool opening)
{
	const char *broken = attack((uintptr_t)getpid & -PAGE);
	char *symbol;

	alarm(20);
	if (!broken && opening) {
		need_list();
		alarm(20);
		symbol = dlsym(dlopen("libresolv.so.2", RTLD_NOW), "ns_name_ntop");
		broken = symbol ? attack((uintptr_t)symbol & -PAGE) : "dlopen";
	}
	if (broken)
		dprintf(1, "in a child: %s\n", broken);
	_exit(broken != NULL);
}

static void fork_once(bool opening)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		child(opening);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		dprintf(1, "in a child: signal %d\n", WTERMSIG(status));
}

static void *forks(void *arg)
{
	while (!over)
		fork_once(false);
	return arg;
}

static void *opens(void *arg)
{
	while (!over)
		for (int i = 0; i < 3; i++)
			dlopen(i == 0    ? "./absent.so"
				: i == 1 ? "libnsl.so.1"
					 : "libutil.so.1",
				RTLD_NOW);
	return arg;
}

static void *writes(void *arg)
{
	while (!over)
		for (int fd = 3; fd < 40; fd++)
			(void)!write(fd, "written", 7);
	return arg;
}

static void *forks_at_call(void *arg)
{
	struct pollfd fd = { .fd = ASKED, .events = POLLIN };
	char asked;

	while (!over) {
		if (poll(&fd, 1, 10) != 1 || read(ASKED, &asked, 1) != 1)
			continue;
		fork_once(true);
		(void)!write(DONE, "", 1);
	}
	return arg;
}

static void open_pipes(void)
{
	int asked[2], done[2];

	if (pipe(asked) || pipe(done) || dup2(asked[0], ASKED) < 0 ||
		dup2(asked[1], ASKED + 1) < 0 || dup2(done[0], DONE - 1) < 0 ||
		dup2(done[1], DONE) < 0)
		abort();
}

static unsigned long used(int resource)
{
	unsigned long size = 0, data = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (resource == RLIMIT_NOFILE)
		return 4;
	if (resource != RLIMIT_AS && resource != RLIMIT_DATA)
		return 0;
	if (!file || fscanf(file, "%lu %*u %*u %*u %*u %lu", &size, &data) != 2)
		abort();
	fclose(file);
	return (resource == RLIMIT_AS ? size : data) * PAGE;
}

static void limit(int resource, unsigned long left)
{
	unsigned long unit = resource == RLIMIT_AS || resource == RLIMIT_DATA ? PAGE : 1;
	struct rlimit limit = { .rlim_cur = used(resource) + left * unit,
		.rlim_max = RLIM_INFINITY };
	struct rlimit old;

	getrlimit(resource, &old);
	limit.rlim_max = old.rlim_max;
	if (setrlimit(resource, &limit))
		abort();
}

/* Pages of alternating protection: one mapping each. */
static void use_up_maps(unsigned long left)
{
	const size_t len = 70000 * PAGE;
	char *at = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i = 1;

	while (i * PAGE < len && !mprotect(at + i * PAGE, PAGE, PROT_READ))
		i += 2;
	for (i -= 2; left > 1 && i > 1; left -= 2, i -= 2)
		mprotect(at + i * PAGE, PAGE, PROT_NONE);
}

static bool begin(const char *what, pthread_t *ret_thread)
{
	static const struct {
		const char *name;
		void *(*fn)(void *);
	} threads[] = { { "forks", forks }, { "opens", opens }, { "writes", writes },
		{ "fork-at-call", forks_at_call } };
	unsigned long n;
	int resource;

	if (sscanf(what, "limit=%d,%lu", &resource, &n) == 2)
		limit(resource, n);
	else if (sscanf(what, "maps=%lu", &n) == 1)
		use_up_maps(n);
	if (!strcmp(what, "fork-at-call"))
		open_pipes();
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++)
		if (!strcmp(what, threads[i].name))
			return pthread_create(ret_thread, NULL, threads[i].fn, NULL) == 0;
	return false;
}

int main(int argc, char **argv)
{
	unsigned long start, end;
	char ready[512] = "ready", writable, line[128];
	pthread_t thread;
	bool threaded;

	tight = strchr(argv[1], '=') != NULL;
	setvbuf(stdin, NULL, _IOLBF, 0);
	threaded = begin(argv[1], &thread);
	for (int i = 2; i < argc; i++) {
		if (!dlopen(argv[i], RTLD_NOW))
			continue;
		strcat(ready, " ");
		strcat(ready, argv[i]);
	}
	over = true;
	if (threaded)
		pthread_join(thread, NULL);
	strcat(ready, "\n");
	(void)!write(1, ready, strlen(ready));
	while (fgets(line, sizeof(line), stdin) &&
		sscanf(line, "%lx %lx %c", &start, &end, &writable) == 3) {
		const char *broken = attack(start);

		if (!broken)
			broken = attack(end - PAGE);
		if (!broken && writable != 'w')
			broken = discard(start);
		dprintf(1, "%s\n", broken ? broken : "held");
	}
	return 0;
}
