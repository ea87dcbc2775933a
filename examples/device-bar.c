/* SPDX-License-Identifier: MIT */
/*
 * The registers of a PCI device, mapped into a process and sealed there: they can be read and
 * written as before, and nobody can unmap them, move them or put other memory in their place.
 *
 *	device-bar /sys/bus/pci/devices/0000:00:10.0
 *
 * The device is qemu's educational one (-device edu), whose second register answers with the
 * complement of what was written to it. Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EDU_VENDOR   0x1234
#define EDU_DEVICE   0x11e8
#define EDU_SIZE     (1u << 20)
#define EDU_IDENTITY 0 /* registers, as indices of 32 bits */
#define EDU_LIVENESS 1

static const char *device;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(EXIT_FAILURE);
}

static int open_file(const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", device, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

static long read_number(const char *name)
{
	char text[32] = "";
	int fd = open_file(name, O_RDONLY);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return strtol(text, NULL, 0);
}

/* A device that has no driver does not answer until it is enabled. */
static void enable(void)
{
	int fd = open_file("enable", O_WRONLY);

	if (write(fd, "1", 1) != 1)
		fail("the device cannot be enabled: %s", strerror(errno));
	close(fd);
}

static volatile uint32_t *map_registers(void)
{
	int fd = open_file("resource0", O_RDWR);
	void *at = mmap(NULL, EDU_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		fail("the registers cannot be mapped: %s", strerror(errno));
	close(fd);
	return at;
}

static void try_liveness(volatile uint32_t *registers, uint32_t value)
{
	registers[EDU_LIVENESS] = value;
	printf("liveness: wrote %#x, read %#x\n", value, registers[EDU_LIVENESS]);
}

static void print_attempt(const char *what, int failed)
{
	const char *error = errno == EPERM ? "EPERM" : strerror(errno);

	printf("  %s: %s\n", what, failed ? error : "allowed");
}

/* If all of it is allowed, nothing is mapped there when it is done. */
static void attack(volatile uint32_t *registers)
{
	void *at = (void *)(uintptr_t)registers, *elsewhere, *moved;

	print_attempt("mprotect", mprotect(at, EDU_SIZE, PROT_READ));
	elsewhere = mmap(NULL, EDU_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (elsewhere == MAP_FAILED)
		fail("no memory");
	moved = mremap(at, EDU_SIZE, EDU_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere);
	print_attempt("mremap", moved == MAP_FAILED);
	if (moved != MAP_FAILED)
		at = moved;
	print_attempt("mmap over it",
		mmap(at, EDU_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			-1, 0) == MAP_FAILED);
	print_attempt("munmap", munmap(at, EDU_SIZE));
}

/* By mseal(2); by a seccomp filter on kernels that have none. */
static void seal(volatile uint32_t *registers)
{
	void *at = (void *)(uintptr_t)registers;
	const char *engine = "mseal";
	int r = memseal_range(at, EDU_SIZE, MEMSEAL_MAPPING);

	if (r == -EOPNOTSUPP) {
		engine = "a filter";
		r = memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
		if (r == 0)
			r = memseal_range(at, EDU_SIZE, MEMSEAL_MAPPING);
	}
	if (r < 0)
		fail("cannot be sealed: %s", strerror(-r));
	printf("sealed by %s:\n", engine);
}

int main(int argc, char **argv)
{
	volatile uint32_t *registers, *control;

	if (argc != 2)
		fail("usage: device-bar /sys/bus/pci/devices/ADDRESS");
	device = argv[1];
	if (read_number("vendor") != EDU_VENDOR || read_number("device") != EDU_DEVICE)
		fail("%s is not qemu's educational device", device);
	enable();
	control = map_registers();
	registers = map_registers();
	printf("identity: %#x\n", registers[EDU_IDENTITY]);
	try_liveness(registers, 0x12345678);

	puts("not sealed:");
	attack(control);
	seal(registers);
	attack(registers);
	printf("identity: %#x\n", registers[EDU_IDENTITY]);
	try_liveness(registers, 0xdeadbeef);
	return EXIT_SUCCESS;
}
