/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/utsname.h>

#include "base/sys.h"
#include "probe/environment.h"

/* VG_USERREQ__RUNNING_ON_VALGRIND of include/valgrind.h: answers how deeply it is nested. */
#define VALGRIND_RUNNING 0x1001

/* SYS_rrcall_check_presence of rr's include/rr/rr.h: 0, where a kernel says ENOSYS. */
#define RR_CHECK_PRESENCE 1008

enum memseal_support environment_valgrind(void)
{
	const long request[6] = { VALGRIND_RUNNING };

	return arch_valgrind_request(request) > 0 ? MEMSEAL_SUPPORT_YES : MEMSEAL_SUPPORT_NO;
}

enum memseal_support environment_rr(void)
{
	int ret = (int)sys_call0(RR_CHECK_PRESENCE);

	if (ret == -ENOSYS)
		return MEMSEAL_SUPPORT_NO;
	return ret == 0 ? MEMSEAL_SUPPORT_YES : MEMSEAL_SUPPORT_UNKNOWN;
}

/*
 * qemu-user answers readlink("/proc/self/exe") itself, with the program it emulates, and passes
 * /proc/thread-self/exe on to the kernel, which says qemu (is_proc_myself() in
 * linux-user/syscall.c, up to 10.0 at least). On a kernel the two are one. Valgrind does the same.
 */
enum memseal_support environment_qemu_user(void)
{
	char process[256], thread[sizeof(process)];
	ssize_t process_len, thread_len;

	if (environment_valgrind() == MEMSEAL_SUPPORT_YES)
		return MEMSEAL_SUPPORT_NO;
	process_len = sys_readlinkat(AT_FDCWD, "/proc/self/exe", process, sizeof(process));
	thread_len = sys_readlinkat(AT_FDCWD, "/proc/thread-self/exe", thread, sizeof(thread));
	if (process_len < 0 || thread_len < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	if (process_len == thread_len && memcmp(process, thread, (size_t)thread_len) == 0)
		return MEMSEAL_SUPPORT_NO;
	return MEMSEAL_SUPPORT_YES;
}

/* The release varies (4.4.0, 4.19.0-gvisor), the version is a constant of gVisor's sentry. */
enum memseal_support environment_gvisor(void)
{
	struct utsname name;

	if (sys_uname(&name) < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	return strcmp(name.version, "#1 SMP Sun Jan 10 15:06:54 PST 2016") == 0
		       ? MEMSEAL_SUPPORT_YES
		       : MEMSEAL_SUPPORT_NO;
}
