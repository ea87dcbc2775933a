/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "attack/family.h"

/* How long an attack, or a look at what it did, may take. */
#define PATIENCE_SECONDS 5

void attack_set_timeout(void)
{
	struct itimerval value = { .it_value = { .tv_sec = PATIENCE_SECONDS } };

	(void)sys_setitimer(ITIMER_REAL, &value);
}

pid_t attack_wait(pid_t pid, int *ret_status)
{
	pid_t r;

	do
		r = sys_wait4(pid, ret_status, __WALL);
	while (r == -EINTR);
	return r;
}

unsigned char attack_byte(const struct attack_target *target)
{
	const volatile unsigned char *at = (unsigned char *)(uintptr_t)target->watched;
	unsigned char there = target->untouched ? 0 : *at;

	return there == 0xff ? 0xcc : (unsigned char)~there;
}

long attack_map_filled(const struct attack_target *target, size_t len)
{
	unsigned char byte = attack_byte(target);
	long at = sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (sys_failed(at))
		return at;
	for (size_t i = 0; i < len; i++)
		((volatile unsigned char *)at)[i] = byte;
	return at;
}

int attack_from_child(const struct attack_target *target, int arg,
	int (*fn)(const struct attack_target *target, int arg, pid_t victim))
{
	pid_t victim = sys_getpid(), pid;
	long at = sys_mmap(
		0, target->page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int *answer = (volatile int *)at;

	if (sys_failed(at))
		return attack_untried((int)at);
	*answer = attack_untried(-EINTR);
	pid = sys_fork(0);
	if (pid == 0) {
		attack_set_timeout();
		*answer = fn(target, arg, victim);
		sys_exit_group(0);
	}
	if (pid < 0 || attack_wait(pid, NULL) < 0)
		return attack_untried(pid < 0 ? pid : -ECHILD);
	return *answer;
}

char *attack_put(char *to, const char *text)
{
	while (*text != '\0')
		*to++ = *text++;
	*to = '\0';
	return to;
}

char *attack_put_number(char *to, unsigned number)
{
	char digits[11];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	return attack_put(to, digits + at);
}
