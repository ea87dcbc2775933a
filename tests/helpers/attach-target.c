/* SPDX-License-Identifier: MIT */
/*
 * A program that notices if something is done to it: attach-target MODE SECONDS [wait]. Ends with 0
 * and a line of what it did, or tells what was wrong and ends with 1; with a third argument when
 * its standard input ends.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_bool over;
static atomic_ulong rounds, ticks;
static char alternate[65536];

static void wrong(const char *what)
{
	printf("wrong: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void tick(int signal)
{
	volatile double noise = 1.5;

	(void)signal;
	for (int i = 0; i < 20; i++)
		noise = noise * 1.25 + i;
	atomic_fetch_add(&ticks, 1);
}

/* Sixteen vector registers and most others are in use all the time. */
static uint64_t mix(uint64_t seed)
{
	double f[16];
	uint64_t a = seed, b = ~seed, c = seed * 3, d = seed ^ 0x5555, sum = 0;

	for (int i = 0; i < 16; i++)
		f[i] = (double)(seed % 1000) + i;
	for (int i = 0; i < 2000; i++) {
		a = a * 6364136223846793005u + 1442695040888963407u;
		b ^= a >> 13;
		c += b * 31;
		d = (d << 7 | d >> 57) + c;
		for (int k = 0; k < 16; k++)
			f[k] = f[k] * 0.99 + k;
	}
	for (int i = 0; i < 16; i++) {
		uint64_t bits;

		memcpy(&bits, &f[i], sizeof(bits));
		sum = sum * 1099511628211u + bits;
	}
	return a ^ b ^ c ^ d ^ sum;
}

static void *compute(void *arg)
{
	const uint64_t seed = (uintptr_t)arg, right = mix(seed);

	while (!over) {
		char *page;

		if (mix(seed) != right)
			wrong("checksum");
		page = mmap(
			NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED)
			wrong("mmap");
		memset(page, 1, 65536);
		if (sched_getcpu() < 0)
			wrong("sched_getcpu");
		munmap(page, 65536);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static void start_timer(void)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART | SA_ONSTACK };
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct itimerval timer = { { 0, 500 }, { 0, 500 } };

	sigaltstack(&stack, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void start(void *(*fn)(void *), unsigned long arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, (void *)arg) != 0)
		wrong("pthread_create");
	pthread_detach(thread);
}

/* Each call has to end by its timeout, or by its event, and not with EINTR. */
static void *wait_epoll(void *arg)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;

	(void)arg;
	for (; !over; atomic_fetch_add(&rounds, 1))
		if (epoll_wait(epoll, &event, 1, 20) != 0)
			wrong("epoll_wait");
	return NULL;
}

static void *wait_nanosleep(void *arg)
{
	const struct timespec nap = { .tv_nsec = 20000000 };

	(void)arg;
	for (; !over; atomic_fetch_add(&rounds, 1))
		if (nanosleep(&nap, NULL) != 0)
			wrong("nanosleep");
	return NULL;
}

static void *wait_signal(void *arg)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	for (; !over; atomic_fetch_add(&rounds, 1))
		if (sigtimedwait(&set, NULL, &nap) >= 0 || errno != EAGAIN)
			wrong("sigtimedwait");
	return NULL;
}

static void *wait_semop(void *arg)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf down = { .sem_op = -1 };
	const struct timespec nap = { .tv_nsec = 20000000 };

	(void)arg;
	for (; !over; atomic_fetch_add(&rounds, 1))
		if (semtimedop(id, &down, 1, &nap) >= 0 || errno != EAGAIN)
			wrong("semtimedop");
	semctl(id, 0, IPC_RMID);
	return NULL;
}

static void *wait_socket(void *arg)
{
	const struct timeval limit = { .tv_usec = 20000 };
	int pair[2];
	char byte;

	(void)arg;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		wrong("socketpair");
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	for (; !over; atomic_fetch_add(&rounds, 1))
		if (recv(pair[0], &byte, 1, 0) >= 0 || errno != EAGAIN)
			wrong("recv");
	return NULL;
}

static void *wait_condition(void *arg)
{
	static sem_t never;
	struct timespec end;

	(void)arg;
	sem_init(&never, 0, 0);
	for (; !over; atomic_fetch_add(&rounds, 1)) {
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_nsec += 20000000;
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
		if (sem_timedwait(&never, &end) == 0 || errno != ETIMEDOUT)
			wrong("sem_timedwait");
	}
	return NULL;
}

static const char *const libraries[] = { "libz.so.1", "libm.so.6", "libresolv.so.2", "libutil.so.1",
	"libcrypt.so.1", "libexpat.so.1" };

static void *load(void *arg)
{
	for (unsigned long i = (unsigned long)arg; !over; i++) {
		void *object = dlopen(libraries[i % 6], RTLD_NOW);

		if (object)
			dlclose(object);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static void *spawn(void *arg)
{
	char *argv[] = { (char *)"true", NULL };
	int status;
	pid_t pid;

	(void)arg;
	for (; !over; atomic_fetch_add(&rounds, 1))
		if (posix_spawnp(&pid, "true", NULL, NULL, argv, argv + 1) != 0 ||
			waitpid(pid, &status, 0) != pid || status != 0)
			wrong("posix_spawn");
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

/* Threads come and go all the time. */
static void *breed(void *arg)
{
	(void)arg;
	for (; !over; atomic_fetch_add(&rounds, 1)) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) != 0 ||
			pthread_join(thread, NULL) != 0)
			wrong("pthread_create");
	}
	return NULL;
}

static void start_all(const char *mode)
{
	static void *(*const waits[])(void *) = { wait_epoll, wait_nanosleep, wait_signal,
		wait_semop, wait_socket, wait_condition };

	if (strcmp(mode, "compute") == 0)
		start_timer();
	for (unsigned long i = 0; i < 2; i++) {
		if (strcmp(mode, "compute") == 0)
			start(compute, i + 7);
		else if (strcmp(mode, "load") == 0)
			start(load, i * 3);
		else if (strcmp(mode, "spawn") == 0)
			start(spawn, i);
		else if (strcmp(mode, "breed") == 0)
			start(breed, i);
	}
	if (strcmp(mode, "wait") == 0)
		for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
			start(waits[i], 0);
	if (strcmp(mode, "threads") == 0)
		for (unsigned i = 0; i < 200; i++)
			start(wait_nanosleep, 0);
}

struct tried {
	unsigned pages, through;
};

/* The bytes stay: the page is made writable, and read-only again. */
static void attack_page(struct tried *tried, uintptr_t at, int prot)
{
	tried->pages++;
	if (mprotect((void *)at, 4096, PROT_READ | PROT_WRITE) < 0)
		return;
	tried->through++;
	if (mprotect((void *)at, 4096, prot) < 0)
		wrong("mprotect");
}

static int attack_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
		uintptr_t at = (info->dlpi_addr + phdr->p_vaddr) & ~(uintptr_t)4095;
		int prot = PROT_READ | (phdr->p_flags & PF_X ? PROT_EXEC : 0);

		/* Not where this very code would be missed. */
		if (phdr->p_type == PT_LOAD && !(phdr->p_flags & (PF_W | PF_X)))
			attack_page(arg, at, prot);
		if (phdr->p_type == PT_GNU_RELRO)
			attack_page(arg, at, prot);
	}
	return 0;
}

/* Attacks when a line comes, and says how many of them came through. */
static int attack(void)
{
	char line[16];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		struct tried tried = { 0 };

		if (line[0] == 'l' && !dlopen("libz.so.1", RTLD_NOW))
			wrong("dlopen");
		dl_iterate_phdr(attack_object, &tried);
		printf("%u of %u\n", tried.through, tried.pages);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) : 1;
	const uint64_t right = mix(99);
	struct timespec begun, now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (argc > 1 && strcmp(argv[1], "attack") == 0)
		return attack();
	start_all(argc > 1 ? argv[1] : "compute");
	puts("ready");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	do {
		if (mix(99) != right)
			wrong("checksum");
		atomic_fetch_add(&rounds, 1);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - begun.tv_sec) + (double)(now.tv_nsec - begun.tv_nsec) / 1e9 <
		 seconds);
	over = true;
	printf("right: %lu rounds, %lu signals\n", atomic_load(&rounds), atomic_load(&ticks));
	fflush(stdout);
	if (argc > 3)
		(void)!read(STDIN_FILENO, &over, sizeof(over));
	_exit(0);
}
