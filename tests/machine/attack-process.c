/* SPDX-License-Identifier: MIT */
/*
 * attack-process PID
 *
 * Makes a running program attack itself: system calls that it never meant to make, on the text and
 * the RELRO of its executable, made by a debugger in its stead. Prints a line for each: part, call
 * and what came of it, 0 or an errno's name; at last for each part whether its bytes are as they
 * were. Where the calls work, the program is not usable any more, and goes on all the same. Uses
 * nothing of memseal. x86-64 only; needs root.
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL

struct victim {
	pid_t pid;
	int mem;
	uint64_t instruction; /* of a system call */
	struct user_regs_struct regs;
};

struct part {
	const char *name;
	uint64_t addr; /* of a page */
	int prot;
	unsigned char bytes[PAGE];
};

static void read_memory(const struct victim *victim, uint64_t addr, void *buf, size_t len)
{
	if (pread(victim->mem, buf, len, (off_t)addr) != (ssize_t)len)
		err(1, "memory at %#lx", addr);
}

/* The value of an entry of the auxiliary vector, or 0. */
static uint64_t auxv(pid_t pid, uint64_t type)
{
	Elf64_auxv_t entry;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	while (fread(&entry, sizeof(entry), 1, file) == 1 && entry.a_type != type)
		entry.a_type = AT_NULL;
	fclose(file);
	return entry.a_type == type ? entry.a_un.a_val : 0;
}

/* In the kernel's own code, which none of the attacks touches. */
static uint64_t find_instruction(const struct victim *victim)
{
	static const unsigned char code[] = { 0x0f, 0x05 };
	static unsigned char vdso[PAGE];
	uint64_t addr = auxv(victim->pid, AT_SYSINFO_EHDR);
	unsigned char *found;

	read_memory(victim, addr, vdso, sizeof(vdso));
	found = memmem(vdso, sizeof(vdso), code, sizeof(code));
	if (!found)
		errx(1, "no system call in the vDSO");
	return addr + (uint64_t)(found - vdso);
}

static void find_parts(const struct victim *victim, struct part *text, struct part *relro)
{
	uint64_t table = auxv(victim->pid, AT_PHDR), bias = 0;
	uint64_t count = auxv(victim->pid, AT_PHNUM);

	for (uint64_t i = 0; i < count; i++) {
		Elf64_Phdr header;

		read_memory(victim, table + i * sizeof(header), &header, sizeof(header));
		if (header.p_type == PT_PHDR)
			bias = table - header.p_vaddr;
		if (header.p_type == PT_LOAD && header.p_flags & PF_X)
			text->addr = (bias + header.p_vaddr) & -PAGE;
		if (header.p_type == PT_GNU_RELRO)
			relro->addr = (bias + header.p_vaddr + header.p_memsz - 1) & -PAGE;
	}
}

/* After PTRACE_INTERRUPT, or a step: how it was signalled does not matter. */
static void wait_for_stop(const struct victim *victim)
{
	int status;

	if (waitpid(victim->pid, &status, __WALL) < 0 || !WIFSTOPPED(status))
		errx(1, "process %d is gone", victim->pid);
}

/* No call that was interrupted is started again, as no register says that there was one. */
static long call(const struct victim *victim, long nr, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e)
{
	struct user_regs_struct regs = victim->regs;

	regs.orig_rax = (uint64_t)-1;
	regs.rip = victim->instruction;
	regs.rax = (uint64_t)nr;
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = c;
	regs.r10 = d;
	regs.r8 = e;
	regs.r9 = 0;
	if (ptrace(PTRACE_SETREGS, victim->pid, NULL, &regs) < 0 ||
		ptrace(PTRACE_SINGLESTEP, victim->pid, NULL, NULL) < 0)
		err(1, "a step");
	wait_for_stop(victim);
	if (ptrace(PTRACE_GETREGS, victim->pid, NULL, &regs) < 0)
		err(1, "its result");
	if (regs.rip != victim->instruction + 2)
		errx(1, "the call was not made");
	return (long)regs.rax;
}

static void report(const struct part *part, const char *name, long result)
{
	bool failed = result < 0 && result > -(long)PAGE;

	printf("%s %s %s\n", part->name, name, failed ? strerrorname_np((int)-result) : "0");
}

/* Each makes way for the next, where it works. */
static void attack(const struct victim *victim, struct part *part)
{
	uint64_t at = part->addr, elsewhere = 0x10000000;

	read_memory(victim, at, part->bytes, PAGE);
	report(part, "mprotect",
		call(victim, SYS_mprotect, at, PAGE, PROT_READ | PROT_WRITE, 0, 0));
	report(part, "mprotect-back", call(victim, SYS_mprotect, at, PAGE, part->prot, 0, 0));
	report(part, "pkey_mprotect",
		call(victim, SYS_pkey_mprotect, at, PAGE, PROT_READ | PROT_WRITE, -1UL, 0));
	/* A seal does not keep text from being discarded: it comes back from its file. */
	if (!(part->prot & PROT_EXEC))
		report(part, "madvise", call(victim, SYS_madvise, at, PAGE, MADV_DONTNEED, 0, 0));
	report(part, "mremap",
		call(victim, SYS_mremap, at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere));
	report(part, "mmap",
		call(victim, SYS_mmap, at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			-1UL));
	report(part, "munmap", call(victim, SYS_munmap, at, PAGE, 0, 0, 0));
}

static void compare(const struct victim *victim, const struct part *part)
{
	unsigned char now[PAGE];
	ssize_t n = pread(victim->mem, now, PAGE, (off_t)part->addr);

	printf("%s bytes %s\n", part->name,
		n != (ssize_t)PAGE                    ? "gone"
		: memcmp(now, part->bytes, PAGE) == 0 ? "same"
						      : "other");
}

static void seize(struct victim *victim)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", victim->pid);
	victim->mem = open(path, O_RDONLY | O_CLOEXEC);
	if (victim->mem < 0)
		err(1, "%s", path);
	victim->instruction = find_instruction(victim);
	if (ptrace(PTRACE_SEIZE, victim->pid, NULL, NULL) < 0 ||
		ptrace(PTRACE_INTERRUPT, victim->pid, NULL, NULL) < 0)
		err(1, "process %d", victim->pid);
	wait_for_stop(victim);
	if (ptrace(PTRACE_GETREGS, victim->pid, NULL, &victim->regs) < 0)
		err(1, "its registers");
}

static void let_go(const struct victim *victim)
{
	if (ptrace(PTRACE_SETREGS, victim->pid, NULL, &victim->regs) < 0 ||
		ptrace(PTRACE_DETACH, victim->pid, NULL, NULL) < 0)
		err(1, "process %d is stopped, and stays so", victim->pid);
}

int main(int argc, char **argv)
{
	struct part text = { .name = "text", .prot = PROT_READ | PROT_EXEC };
	struct part relro = { .name = "relro", .prot = PROT_READ };
	struct victim victim = { .pid = argc == 2 ? atoi(argv[1]) : 0 };

	if (victim.pid <= 0)
		errx(2, "usage: attack-process PID");
	seize(&victim);
	find_parts(&victim, &text, &relro);
	attack(&victim, &relro);
	attack(&victim, &text);
	compare(&victim, &relro);
	compare(&victim, &text);
	let_go(&victim);
	return 0;
}
