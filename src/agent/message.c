/* SPDX-License-Identifier: MIT */
#include "agent/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/sys.h"

/* A name must leave room for the rest. */
#define MESSAGE_NAME_MAX 140

static void put(struct message *message, char c)
{
	if (message->len < sizeof(message->text) - 1)
		message->text[message->len++] = c;
}

void message_str(struct message *message, const char *s)
{
	for (; *s; s++)
		put(message, *s);
}

void message_name(struct message *message, const char *name)
{
	for (size_t i = 0; *name && i < MESSAGE_NAME_MAX; i++, name++)
		put(message, *name > ' ' && *name < 0x7f ? *name : '?');
}

void message_hex(struct message *message, uint64_t value)
{
	int shift = 60;

	message_str(message, "0x");
	while (shift > 0 && (value >> shift) == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put(message, "0123456789abcdef"[(value >> shift) & 15]);
}

void message_decimal(struct message *message, unsigned value)
{
	if (value >= 10)
		message_decimal(message, value / 10);
	put(message, (char)('0' + value % 10));
}

/* The errors that sealing can meet. */
static const struct {
	int error;
	const char *text;
} errors[] = {
	{ EPERM, "refused by a seccomp filter (EPERM)" },
	{ ENOSYS, "a seccomp filter or this kernel knows no mseal(2) (ENOSYS)" },
	{ ENOMEM, "out of memory, of vm.max_map_count or of room for filters (ENOMEM)" },
	{ EINVAL, "the kernel does not take the range (EINVAL)" },
	{ EACCES, "permission denied (EACCES)" },
	{ EFAULT, "not readable (EFAULT)" },
	{ EFBIG, "larger than RLIMIT_FSIZE allows (EFBIG)" },
	{ ENOSPC, "no space left (ENOSPC)" },
	{ ENOENT, "no such file (ENOENT)" },
	{ EMFILE, "too many open files (EMFILE)" },
	{ ENFILE, "too many open files in the system (ENFILE)" },
	{ EBADMSG, "not understood (EBADMSG)" },
	{ EBUSY, "busy (EBUSY)" },
	{ ESRCH, "out of reach (ESRCH)" },
	{ EOPNOTSUPP, "not by this kernel, or refused by a seccomp filter (EOPNOTSUPP)" },
	{ ETXTBSY, "changed by a constructor (ETXTBSY)" },
	{ EAGAIN, "other threads keep loading and failing (EAGAIN)" },
	{ ENOEXEC, "not a valid ELF image (ENOEXEC)" },
};

void message_error(struct message *message, int error)
{
	message_str(message, ": ");
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].error == -error) {
			message_str(message, errors[i].text);
			return;
		}
	}
	message_str(message, "error ");
	message_decimal(message, (unsigned)-error);
}

#define STDERR 2

/* include/uapi/linux/stat.h, struct statx, which musl lacked for long. */
struct file_status {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare;
	uint64_t inode, size, blocks, attributes_mask;
	struct {
		int64_t sec;
		uint32_t nsec;
		int32_t spare;
	} accessed, born, changed, modified;
	uint32_t device_major, device_minor, major, minor;
	uint64_t rest[14];
};

_Static_assert(sizeof(struct file_status) == 256, "struct statx");

#define MASK_BASIC 0x7ffU
#define MASK_BORN  0x800U

static bool read_target(int fd, struct message_target *ret)
{
	struct file_status status;
	int flags = sys_fcntl(fd, F_GETFL, 0);

	if (flags < 0 || sys_statx_fd(fd, MASK_BASIC | MASK_BORN, &status) < 0)
		return false;
	*ret = (struct message_target){
		.inode = status.inode,
		.major = status.major,
		.minor = status.minor,
		.device_major = status.device_major,
		.device_minor = status.device_minor,
		.type = status.mode & S_IFMT,
		.access = flags & O_ACCMODE,
	};
	if (status.mask & MASK_BORN)
		ret->born = (uint64_t)status.born.sec * 1000000000 + status.born.nsec;
	return true;
}

/* An inode's number comes again in another file, but not at the same time. */
static bool is_same(const struct message_target *a, const struct message_target *b)
{
	return a->inode == b->inode && a->major == b->major && a->minor == b->minor &&
	       a->device_major == b->device_major && a->device_minor == b->device_minor &&
	       a->type == b->type && a->access == b->access && a->born == b->born;
}

static bool is_writable(const struct message_target *target)
{
	if (target->type == S_IFREG)
		return target->access == O_WRONLY && target->born != 0;
	return target->access != O_RDONLY &&
	       (target->type == S_IFCHR || target->type == S_IFIFO || target->type == S_IFSOCK);
}

void message_find_target(struct message_target *ret)
{
	int flags = sys_fcntl(STDERR, F_GETFD, 0);

	*ret = (struct message_target){ .type = 0 };
	if (flags < 0 || flags & FD_CLOEXEC || !read_target(STDERR, ret) || !is_writable(ret))
		*ret = (struct message_target){ .type = 0 };
}

#define MASK_OF(sig) ((uint64_t)1 << ((sig)-1))

/* A reader that does not read must not stop the program: what does not fit soon is not written. */
static bool takes_more(void)
{
	static const long most[2] = { 0, 200000000 };
	struct pollfd fd = { .fd = STDERR, .events = POLLOUT };

	return sys_ppoll(&fd, 1, most) != 0;
}

/* The signals of a broken pipe and of a full limit come to this thread: they are taken away. */
static void write_quietly(const char *text, size_t len)
{
	const uint64_t both = MASK_OF(SIGPIPE) | MASK_OF(SIGXFSZ);
	uint64_t old, before, after, own;

	if (sys_sigprocmask(SIG_BLOCK, &both, &old) < 0)
		return;
	if (sys_sigpending(&before) == 0) {
		(void)!sys_write(STDERR, text, len);
		own = sys_sigpending(&after) == 0 ? after & ~before & both : 0;
		for (; own; own = sys_sigpending(&after) == 0 ? after & own : 0)
			sys_undo_signal(&own);
	}
	sys_undo_sigmask(&old);
}

void message_send(struct message *message, const struct message_target *target)
{
	struct message_target now;

	message->text[message->len++] = '\n';
	if (target->type != 0 && read_target(STDERR, &now) && is_same(target, &now) && takes_more())
		write_quietly(message->text, message->len);
	message->len = 0;
}
