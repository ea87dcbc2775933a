/* SPDX-License-Identifier: MIT */
/*
 * hostile KIND DIR: a process that is hard to look at. Prints a line when it is ready, and waits.
 *
 *	fuse      maps a file of a FUSE server that answers nothing any more. Needs root
 *	swap      maps a file whose path becomes a FIFO and a file again all the time; DIR/opened
 *	          appears when somebody has opened the FIFO
 *	mappings  has as many mappings as the kernel allows, half of them heads of an ELF file
 *	giant     maps an ELF file with 65,534 program headers as often as it can, up to 12,000
 *times uffd      maps a memfd that a userfaultfd has to fill, which it never does
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *path(const char *dir, const char *name)
{
	static char buffer[2][PATH_MAX];
	static unsigned i;

	i ^= 1;
	snprintf(buffer[i], sizeof(buffer[i]), "%s/%s", dir, name);
	return buffer[i];
}

static void ready(void)
{
	puts("");
	fflush(stdout);
}

/* One file of two pages in a directory; until a file was opened and mapped, it answers. */
static void answer(int fuse, const struct fuse_in_header *in, const void *body, size_t len)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + len), .unique = in->unique };
	char message[256];

	memcpy(message, &out, sizeof(out));
	if (len)
		memcpy(message + sizeof(out), body, len);
	if (write(fuse, message, out.len) != (ssize_t)out.len)
		err(1, "fuse");
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = 8192,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755,
		.nlink = 1,
	};
}

static void serve_one(int fuse, const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096
	};
	struct fuse_entry_out entry = { .nodeid = 2, .generation = 1, .attr = attributes(2) };
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out opened = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fuse, in, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer(fuse, in, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(fuse, in, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(fuse, in, &opened, sizeof(opened));
		break;
	default:
		answer(fuse, in, NULL, 0);
	}
}

/* It still takes requests when it is silent: then even SIGKILL does not end the wait. */
static void serve(int fuse, int silent)
{
	union {
		struct fuse_in_header in;
		char bytes[65536];
	} request;
	struct pollfd polls[] = { { fuse, POLLIN, 0 }, { silent, POLLIN, 0 } };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (bool answers = true;;) {
		poll(polls, answers ? 2 : 1, -1);
		if (answers && polls[1].revents) {
			answers = false;
			if (write(silent, "", 1) != 1)
				_exit(1);
			continue;
		}
		if (read(fuse, &request, sizeof(request)) <= 0)
			_exit(1);
		if (answers)
			serve_one(fuse, &request.in);
	}
}

static void fuse(const char *dir)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), silent[2], file;
	char options[128], byte;

	if (fd < 0)
		err(1, "/dev/fuse");
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0)
		err(1, "unshare");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0", fd);
	if (mount("hostile", dir, "fuse", 0, options) < 0)
		err(1, "mount");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, silent) < 0)
		err(1, "socketpair");
	if (fork() == 0)
		serve(fd, silent[1]);
	close(fd); /* with the server its connection ends, and whoever waits goes on */
	file = open(path(dir, "x.so"), O_RDONLY | O_CLOEXEC);
	if (file < 0 || mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED)
		err(1, "x.so");
	if (write(silent[0], "", 1) != 1 || read(silent[0], &byte, 1) != 1)
		err(1, "socketpair");
}

static void exchange(const char *a, const char *b)
{
	if (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */) < 0)
		err(1, "renameat2");
}

/* The file is empty by now: its bytes are not in memory, and its path must be asked. */
__attribute__((noreturn)) static void swap(const char *dir)
{
	const char *name = strdup(path(dir, "mapped")), *fifo = strdup(path(dir, "fifo"));
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char events[4096];

	if (fd < 0 || ftruncate(fd, 4096) < 0 ||
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ||
		ftruncate(fd, 0) < 0 || mkfifo(fifo, 0644) < 0)
		err(1, "%s", name);
	if (inotify_add_watch(watch, fifo, IN_OPEN) < 0)
		err(1, "inotify");
	ready();
	for (;;) {
		exchange(name, fifo);
		if (read(watch, events, sizeof(events)) > 0)
			close(creat(path(dir, "opened"), 0644));
	}
}

static void mappings(void)
{
	int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "/bin/sh");
	for (;;) {
		if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
			return;
		if (mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return;
	}
}

#define GIANT 65534

static void giant(const char *dir)
{
	Elf64_Ehdr ehdr = {
		.e_ident = ELFMAG "\2\1\1",
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = GIANT,
	};
	Elf64_Phdr load = { .p_type = PT_LOAD, .p_filesz = 4096, .p_memsz = 4096 };
	size_t size = sizeof(ehdr) + GIANT * sizeof(load);
	int fd = open(path(dir, "giant"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
		pwrite(fd, &ehdr, sizeof(ehdr), 0) != sizeof(ehdr) ||
		pwrite(fd, &load, sizeof(load), sizeof(ehdr)) != sizeof(load))
		err(1, "giant");
	for (int i = 0; i < 12000; i++)
		if (mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
			return;
}

static void uffd(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);
	int file = memfd_create("hostile", MFD_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *mapped;

	if (fd < 0 || file < 0 || ftruncate(file, 8192) < 0)
		err(1, "userfaultfd");
	mapped = mmap(NULL, 8192, PROT_READ, MAP_SHARED, file, 0);
	area.range.start = (uintptr_t)mapped;
	area.range.len = 8192;
	if (mapped == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) < 0 ||
		ioctl(fd, UFFDIO_REGISTER, &area) < 0)
		err(1, "userfaultfd");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: hostile KIND DIR");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!strcmp(argv[1], "fuse"))
		fuse(argv[2]);
	else if (!strcmp(argv[1], "swap"))
		swap(argv[2]);
	else if (!strcmp(argv[1], "mappings"))
		mappings();
	else if (!strcmp(argv[1], "giant"))
		giant(argv[2]);
	else if (!strcmp(argv[1], "uffd"))
		uffd();
	ready();
	for (;;)
		pause();
}
