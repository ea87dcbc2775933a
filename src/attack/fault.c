/* SPDX-License-Identifier: MIT */
/* userfaultfd(2): deciding what a page holds when it is next touched. */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/uapi.h"
#include "attack/family.h"

/* Linux 6.8. */
#define FEATURE_MOVE (UINT64_C(1) << 16)

struct move {
	uint64_t dst, src, len, mode;
	int64_t moved;
};

#define OP_MOVE _IOWR(UFFDIO, 0x05, struct move)

/* For user-mode faults alone no privilege is needed. Left to the end of the attacked process. */
static int uffd_open(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = sys_userfaultfd(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	int r;

	if (fd == -EINVAL)
		fd = sys_userfaultfd(O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fd;
	r = sys_ioctl(fd, UFFDIO_API, &api);
	return r < 0 ? r : fd;
}

static int uffd_register(int fd, uint64_t addr, size_t len, uint64_t mode)
{
	struct uffdio_register reg = { .range = { addr, len }, .mode = mode };

	return sys_ioctl(fd, UFFDIO_REGISTER, &reg);
}

int attack_uffd_register(const struct attack_target *target, int arg)
{
	int fd = uffd_open(0);

	if (fd < 0)
		return attack_untried(fd);
	return uffd_register(fd, target->addr, target->len, (uint64_t)arg);
}

/* Stores stop until somebody lifts it, which nobody does. Reads go on. */
int attack_uffd_protect(const struct attack_target *target, int arg)
{
	struct uffdio_writeprotect protect = { .range = { target->addr, target->len },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP };
	int fd = uffd_open(0), r;

	(void)arg;
	if (fd < 0)
		return attack_untried(fd);
	r = uffd_register(fd, target->addr, target->len, UFFDIO_REGISTER_MODE_WP);
	return r < 0 ? r : sys_ioctl(fd, UFFDIO_WRITEPROTECT, &protect);
}

/* Registers the target, and drops the watched page if asked to. */
static int uffd_prepare(int fd, const struct attack_target *target, bool discard)
{
	int r = uffd_register(fd, target->addr, target->len, UFFDIO_REGISTER_MODE_MISSING);

	if (r < 0 || !discard)
		return r;
	/* Shared memory has to be punched, private memory cannot be. */
	r = sys_madvise(target->watched, target->page, MADV_REMOVE);
	return r < 0 ? sys_madvise(target->watched, target->page, MADV_DONTNEED) : r;
}

int attack_uffd_copy(const struct attack_target *target, int arg)
{
	int fd = uffd_open(0), r;
	long from = attack_map_filled(target, target->page);
	struct uffdio_copy copy = {
		.dst = target->watched, .src = (uintptr_t)from, .len = target->page
	};

	if (fd < 0 || sys_failed(from))
		return attack_untried(fd < 0 ? fd : (int)from);
	r = uffd_prepare(fd, target, arg);
	return r < 0 ? r : sys_ioctl(fd, UFFDIO_COPY, &copy);
}

static int uffd_move(int fd, uint64_t from, uint64_t to, size_t page)
{
	struct move move = { .dst = to, .src = from, .len = page };

	return sys_ioctl(fd, OP_MOVE, &move);
}

/* A foreign page becomes the watched one. */
int attack_uffd_move_to(const struct attack_target *target, int arg)
{
	int fd = uffd_open(FEATURE_MOVE), r;
	long from = attack_map_filled(target, target->page);

	if (fd < 0 || sys_failed(from))
		return attack_untried(fd < 0 ? fd : (int)from);
	r = uffd_prepare(fd, target, arg);
	return r < 0 ? r : uffd_move(fd, (uintptr_t)from, target->watched, target->page);
}

/* The watched page becomes a foreign one, and is missing where it was. */
int attack_uffd_move_from(const struct attack_target *target, int arg)
{
	int fd = uffd_open(FEATURE_MOVE), r;
	long to = sys_mmap(
		0, target->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	if (fd < 0 || sys_failed(to))
		return attack_untried(fd < 0 ? fd : (int)to);
	r = uffd_register(fd, (uintptr_t)to, target->page, UFFDIO_REGISTER_MODE_MISSING);
	if (r < 0)
		return attack_untried(r);
	return uffd_move(fd, target->watched, (uintptr_t)to, target->page);
}
