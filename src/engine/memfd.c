/* SPDX-License-Identifier: MIT */
#include "engine/memfd.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/sys.h"
#include "base/uapi.h"

#define NO_SIZE ((uint64_t)-1) /* which the kernel refuses: fs/open.c */

/* Nothing is executed from it as a file; a system may insist on that being said. */
int memfd_new(void)
{
	int fd = sys_memfd_create("memseal", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd == -EINVAL)
		fd = sys_memfd_create("memseal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd == -ENOSYS ? -EOPNOTSUPP : fd;
}

/* A file that grew beyond the limit would not be refused alone: SIGXFSZ kills. */
static int check_limit(uint64_t size)
{
	struct rlimit limit;
	int r = sys_prlimit(0, RLIMIT_FSIZE, NULL, &limit);

	if (r < 0)
		return r;
	return limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur ? 0 : -EFBIG;
}

int memfd_resize(int fd, uint64_t size)
{
	int r = check_limit(size);

	if (r == 0)
		r = sys_ftruncate(fd, size);
	/* A filter that answers 0 to this has not grown the file: a store would be a SIGBUS. */
	if (r == 0 && sys_ftruncate(fd, NO_SIZE) != -EINVAL)
		r = -EOPNOTSUPP;
	return r;
}

/* A filter or an emulator may answer 0 and do nothing: the seals are read back. */
int memfd_seal(int fd, int seals)
{
	int r = sys_fcntl(fd, F_ADD_SEALS, seals);

	if (r == 0)
		r = sys_fcntl(fd, F_GET_SEALS, 0);
	if (r < 0)
		return r == -EINVAL ? -EOPNOTSUPP : r;
	return (r & seals) == seals ? 0 : -EOPNOTSUPP;
}

/*
 * 0 if a shared mapping of the file can never become writable, else -EOPNOTSUPP; tried, on one page
 * of it, whatever the size of a page is.
 */
int memfd_check_view(int fd)
{
	long view = sys_mmap(0, 1, PROT_READ, MAP_SHARED, fd, 0);
	int r;

	if (sys_failed(view))
		return view == -EPERM ? -EOPNOTSUPP : (int)view;
	r = sys_mprotect((uintptr_t)view, 1, PROT_READ | PROT_WRITE);
	sys_undo_mmap((uintptr_t)view, 1);
	if (r == -ENOMEM)
		return r;
	return r == -EACCES ? 0 : -EOPNOTSUPP;
}
