/* SPDX-License-Identifier: MIT */
#include "inject/agent-file.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/page.h"
#include "base/sys.h"
#include "model/maps.h"

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#endif

static uint64_t page_up(uint64_t at)
{
	return page_down(at + page_size() - 1, page_size());
}

/* Its headers are at its start: ours is made so. */
static int read_segments(struct agent_file *agent)
{
	unsigned char bytes[1024];
	ssize_t n = sys_pread(agent->fd, bytes, sizeof(bytes), 0);
	struct image_header header;
	struct image image;

	if (n < 0)
		return (int)n;
	if (image_header(bytes, (size_t)n, &header) < 0 || header.machine != NATIVE_MACHINE ||
		header.type != ET_DYN || header.phoff > (uint64_t)n ||
		image_init(&image, &header, bytes + header.phoff, (size_t)n - header.phoff) < 0)
		return -ENOEXEC;
	agent->entry = header.entry;
	for (unsigned i = 0; i < image.phnum; i++) {
		struct image_segment *segment = &agent->segments[agent->count];
		int r = agent->count == AGENT_SEGMENTS_MAX ? -ENOEXEC
							   : image_load(&image, i, segment);

		if (r < 0)
			return -ENOEXEC;
		if (r == 0)
			continue;
		agent->len = max_u64(agent->len, page_up(segment->vaddr + segment->memsz));
		agent->count++;
	}
	return agent->entry && agent->entry < agent->len && agent->count ? 0 : -ENOEXEC;
}

int agent_file_open(const char *path, struct agent_file *ret)
{
	int r;

	*ret = (struct agent_file){ .fd = sys_openat(
					    AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0) };
	if (ret->fd < 0)
		return ret->fd;
	r = read_segments(ret);
	if (r < 0)
		sys_close_cleanup(&ret->fd);
	return r == -EISDIR ? -ENOEXEC : r;
}

/* In the page of the other process; and here, when it is sent. */
struct handover {
	struct msghdr message;
	struct iovec iov;
	_Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))];
	char byte;
};

/* With pointers as they are for a struct at that address. */
static void prepare(struct handover *handover, uint64_t at)
{
	*handover = (struct handover){ .byte = 0 };
	handover->iov = (struct iovec){ (void *)(at + offsetof(struct handover, byte)), 1 };
	handover->message = (struct msghdr){
		.msg_iov = (void *)(at + offsetof(struct handover, iov)),
		.msg_iovlen = 1,
		.msg_control = (void *)(at + offsetof(struct handover, control)),
		.msg_controllen = sizeof(handover->control),
	};
}

static int send_descriptor(int fd, int to)
{
	struct handover here;
	const struct cmsghdr header = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	ssize_t n;

	prepare(&here, (uintptr_t)&here);
	memcpy(here.control, &header, sizeof(header));
	memcpy(here.control + CMSG_LEN(0), &fd, sizeof(fd));
	n = sys_sendmsg(to, &here.message, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? (int)n : 0;
}

/* Of the calls there: each may fail on the way, or be answered with an error. */
struct calls {
	struct remote *remote;
	int failed; /* 0, or as remote_call() */
	int error;  /* 0, or the first answer below 0 */
};

static long call(struct calls *calls, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
	uint64_t e, uint64_t f)
{
	const uint64_t args[6] = { a, b, c, d, e, f };
	long ret = -ECANCELED;

	if (calls->failed == 0)
		calls->failed = remote_call(calls->remote, &ret, nr, args);
	if (calls->failed == 0 && sys_failed(ret) && calls->error == 0)
		calls->error = (int)ret;
	return ret;
}

static bool is_well(const struct calls *calls)
{
	return calls->failed == 0 && calls->error == 0;
}

static void read_there(struct calls *calls, uint64_t at, void *to, size_t len)
{
	if (calls->failed == 0)
		calls->failed = remote_read(calls->remote, at, to, len);
}

static void write_there(struct calls *calls, uint64_t at, const void *from, size_t len)
{
	if (calls->failed == 0)
		calls->failed = remote_write(calls->remote, at, from, len);
}

/* The number that the descriptor has there. */
static int receive_descriptor(struct calls *calls, uint64_t memory, int from)
{
	struct handover there;
	struct cmsghdr header;
	int fd = -1;

	prepare(&there, memory);
	write_there(calls, memory, &there, sizeof(there));
	(void)call(calls, NR_recvmsg, (uint64_t)from, memory + offsetof(struct handover, message),
		MSG_CMSG_CLOEXEC | MSG_DONTWAIT, 0, 0, 0);
	read_there(calls, memory, &there, sizeof(there));
	if (!is_well(calls))
		return -1;
	memcpy(&header, there.control, sizeof(header));
	if (there.message.msg_controllen >= CMSG_LEN(sizeof(int)) && header.cmsg_type == SCM_RIGHTS)
		memcpy(&fd, there.control + CMSG_LEN(0), sizeof(fd));
	if (fd < 0)
		calls->error = -EMFILE; /* no room for it: the kernel drops it */
	return fd;
}

/* Closes a descriptor there, whatever went wrong before, but what nobody can be asked for. */
static void close_there(struct calls *calls, int fd)
{
	int error = calls->error;

	calls->error = 0;
	(void)call(calls, NR_close, (uint64_t)fd, 0, 0, 0, 0, 0);
	calls->error = error;
}

static int hand_over(struct calls *calls, int fd, int pidfd, uint64_t memory)
{
	CLEANUP(sys_close_cleanup) int end = -1;
	int pair[2] = { -1, -1 }, there = -1, r;

	(void)call(calls, NR_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, memory, 0, 0);
	if (!is_well(calls))
		return -1;
	read_there(calls, memory, pair, sizeof(pair));
	end = sys_pidfd_getfd(pidfd, pair[1]);
	r = end < 0 ? end : send_descriptor(fd, end);
	if (r < 0)
		calls->error = r;
	else
		there = receive_descriptor(calls, memory, pair[0]);
	close_there(calls, pair[0]);
	close_there(calls, pair[1]);
	return there;
}

static int prot_of(const struct image_segment *segment)
{
	return (int)(segment->prot & (PROT_READ | PROT_WRITE | PROT_EXEC));
}

/* The file's pages, of which the last has more than belongs there, and zeroes behind them. */
static void map_segment(
	struct calls *calls, const struct image_segment *segment, int fd, uint64_t base)
{
	static const unsigned char zeroes[4096];
	const uint64_t page = page_size(), start = page_down(segment->vaddr, page),
		       file_end = segment->vaddr + segment->filesz, end = page_up(file_end),
		       memory_end = page_up(segment->vaddr + segment->memsz);
	const int prot = prot_of(segment);

	if (segment->filesz)
		(void)call(calls, NR_mmap, base + start, end - start, (uint64_t)prot,
			MAP_PRIVATE | MAP_FIXED, (uint64_t)fd, page_down(segment->offset, page));
	if (is_well(calls) && segment->prot & MAPPING_WRITE && end > file_end)
		write_there(
			calls, base + file_end, zeroes, min_u64(end - file_end, sizeof(zeroes)));
	if (is_well(calls) && memory_end > end)
		(void)call(
			calls, NR_mprotect, base + end, memory_end - end, (uint64_t)prot, 0, 0, 0);
}

static uint64_t map_all(struct calls *calls, const struct agent_file *agent, int fd)
{
	long base = call(calls, NR_mmap, 0, agent->len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0);

	if (!is_well(calls))
		return 0;
	for (unsigned i = 0; i < agent->count && is_well(calls); i++)
		map_segment(calls, &agent->segments[i], fd, (uint64_t)base);
	if (is_well(calls))
		return (uint64_t)base;
	if (calls->failed == 0) {
		int error = calls->error;

		(void)call(calls, NR_munmap, (uint64_t)base, agent->len, 0, 0, 0, 0);
		calls->error = error;
	}
	return 0;
}

int agent_file_map(struct remote *remote, const struct agent_file *agent, int pidfd,
	uint64_t memory, uint64_t *ret_base, int *ret_error)
{
	struct calls calls = { .remote = remote };
	int fd = hand_over(&calls, agent->fd, pidfd, memory);

	*ret_base = 0;
	if (is_well(&calls))
		*ret_base = map_all(&calls, agent, fd);
	if (fd >= 0)
		close_there(&calls, fd);
	*ret_error = calls.error;
	return calls.failed;
}
