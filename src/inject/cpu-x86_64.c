/* SPDX-License-Identifier: MIT */
#include "inject/cpu.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "base/sys.h"

/* Bytes below the stack pointer that a function may use: the System V ABI. */
#define RED_ZONE       128

#define FLAG_TRAP      0x100
#define FLAG_DIRECTION 0x400

/* Kernel's own: include/linux/errno.h. They never reach a program. */
#define ERESTARTSYS     512
#define ERESTARTNOINTR  513
#define ERESTARTNOHAND  514
#define ERESTARTBLOCK   516

#define NR_rt_sigreturn 15

/* The selector of 64-bit code: arch/x86/include/asm/segment.h, __USER_CS. */
#define USER_CS 0x33

int cpu_read_registers(pid_t tid, struct user_regs_struct *ret)
{
	struct iovec iov = { ret, sizeof(*ret) };
	long r = sys_ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, (uintptr_t)&iov);

	if (r < 0)
		return (int)r;
	return iov.iov_len == sizeof(*ret) && ret->cs == USER_CS ? 0 : -ENOEXEC;
}

int cpu_write_registers(pid_t tid, const struct user_regs_struct *registers)
{
	struct iovec iov = { (void *)registers, sizeof(*registers) };

	return (int)sys_ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, (uintptr_t)&iov);
}

/* include/uapi/linux/elf.h, which the C library's may lack. */
#define SHADOW_STACK 0x204 /* NT_X86_SHSTK, Linux 6.6 */

/* There is none where ptrace(2) knows no such registers, or not of this thread. */
static bool has_shadow_stack(pid_t tid)
{
	uint64_t pointer;
	struct iovec iov = { &pointer, sizeof(pointer) };

	return sys_ptrace(PTRACE_GETREGSET, tid, SHADOW_STACK, (uintptr_t)&iov) == 0;
}

static long get_extended(pid_t tid, int kind, struct cpu_state *ret)
{
	struct iovec iov = { ret->extended, sizeof(ret->extended) };
	long r = sys_ptrace(PTRACE_GETREGSET, tid, (uint64_t)kind, (uintptr_t)&iov);

	ret->extended_kind = kind;
	ret->extended_len = iov.iov_len;
	return r;
}

/* A processor without XSAVE has x87 and SSE alone, in a set of their own. */
int cpu_save(pid_t tid, struct cpu_state *ret)
{
	long r = sys_ptrace(PTRACE_GETSIGMASK, tid, sizeof(ret->mask), (uintptr_t)&ret->mask);

	if (r == 0 && has_shadow_stack(tid))
		return -EOPNOTSUPP;
	if (r == 0)
		r = get_extended(tid, NT_X86_XSTATE, ret);
	if (r == -ENODEV || r == -EINVAL)
		r = get_extended(tid, NT_PRFPREG, ret);
	return (int)r;
}

int cpu_restore(pid_t tid, const struct cpu_state *state)
{
	struct iovec iov = { (void *)state->extended, state->extended_len };
	long r = sys_ptrace(PTRACE_SETREGSET, tid, (uint64_t)state->extended_kind, (uintptr_t)&iov);

	if (r == 0)
		r = sys_ptrace(
			PTRACE_SETSIGMASK, tid, sizeof(state->mask), (uintptr_t)&state->mask);
	return r < 0 ? (int)r : cpu_write_registers(tid, &state->registers);
}

uint64_t cpu_stack(const struct user_regs_struct *registers)
{
	return registers->rsp;
}

bool cpu_can_spawn(long nr)
{
	return nr == 56 /* clone */ || nr == 58 /* vfork */ || nr == 435 /* clone3 */;
}

/*
 * signal(7), "Interruption of system calls and library functions by stop signals". Of these, all
 * begin to wait anew, with the whole of a timeout. Not connect(2), which goes on in the background,
 * and not close(2).
 */
static bool restarts(uint64_t nr)
{
	static const short calls[] = {
		43,  /* accept */
		44,  /* sendto */
		45,  /* recvfrom */
		46,  /* sendmsg */
		47,  /* recvmsg */
		65,  /* semop */
		128, /* rt_sigtimedwait */
		208, /* io_getevents */
		220, /* semtimedop */
		232, /* epoll_wait */
		281, /* epoll_pwait */
		288, /* accept4 */
		299, /* recvmmsg */
		307, /* sendmmsg */
		333, /* io_pgetevents */
		426, /* io_uring_enter */
		441, /* epoll_pwait2 */
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (nr == (uint64_t)calls[i])
			return true;
	return false;
}

bool cpu_hide_interruption(struct user_regs_struct *registers, bool confined)
{
	const int64_t result = (int64_t)registers->rax;
	bool in_call = (int64_t)registers->orig_rax >= 0;

	if (!in_call || !((result == -EINTR && restarts(registers->orig_rax)) ||
				(result == -ERESTARTBLOCK && confined)))
		return false;
	registers->rax = (uint64_t)-ERESTARTNOHAND;
	return true;
}

/* include/uapi/linux/ptrace.h and rseq.h, which the C library's headers may lack. */
#define GET_RSEQ_CONFIGURATION 0x420f

struct rseq_configuration {
	uint64_t pointer;
	uint32_t size, signature, flags, pad;
};

struct rseq_section {
	uint32_t version, flags;
	uint64_t start, len, abort;
};

#define RSEQ_SECTION_OFFSET 8 /* of the pointer to the section, in struct rseq */

int cpu_abort_sequence(pid_t tid, int mem, struct user_regs_struct *registers)
{
	struct rseq_configuration rseq = { .pointer = 0 };
	struct rseq_section section;
	uint64_t at = 0;
	long r = sys_ptrace(GET_RSEQ_CONFIGURATION, tid, sizeof(rseq), (uintptr_t)&rseq);

	if (r == -EIO) /* before Linux 5.13; then neither does the C library use it */
		return 0;
	if (r < 0)
		return (int)r;
	if (!rseq.pointer ||
		sys_pread(mem, &at, sizeof(at), rseq.pointer + RSEQ_SECTION_OFFSET) != sizeof(at) ||
		at == 0 || sys_pread(mem, &section, sizeof(section), at) != sizeof(section))
		return 0;
	if (registers->rip - section.start < section.len)
		registers->rip = section.abort;
	return 0;
}

void cpu_find_gadgets(const unsigned char *bytes, size_t len, uint64_t at, struct cpu_gadgets *ret)
{
	static const unsigned char call[] = { 0x0f, 0x05, 0xc3 };
	static const unsigned char mov_eax[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 };
	static const unsigned char mov_rax[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	const unsigned char *found;

	found = ret->call ? NULL : memmem(bytes, len, call, sizeof(call));
	if (found)
		ret->call = at + (uint64_t)(found - bytes);
	found = ret->sigreturn ? NULL : memmem(bytes, len, mov_rax, sizeof(mov_rax));
	if (!found && !ret->sigreturn)
		found = memmem(bytes, len, mov_eax, sizeof(mov_eax));
	if (found)
		ret->sigreturn = at + (uint64_t)(found - bytes);
}

/* arch/x86/include/uapi/asm/sigcontext.h and ucontext.h, without the C library's tail. */
struct frame {
	uint64_t flags, link;
	uint64_t stack_pointer;
	uint32_t stack_flags, pad;
	uint64_t stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
		eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, extended, reserved[8];
	uint64_t mask;
};

#define FRAME_EXTENDED     1 /* UC_FP_XSTATE */
#define FRAME_STACK_SELECT 6 /* UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */

/* An alternate signal stack that the kernel does not take: the thread keeps its own. */
#define FRAME_NO_STACK 0x7fffffff

/*
 * Where the thread would go on. A system call that the stop interrupted is called again, with the
 * whole of its timeout: what was left of it does not survive rt_sigreturn(2).
 */
static void set_registers(struct frame *frame, const struct user_regs_struct *from)
{
	const int64_t result = (int64_t)from->rax;

	frame->r8 = from->r8;
	frame->r9 = from->r9;
	frame->r10 = from->r10;
	frame->r11 = from->r11;
	frame->r12 = from->r12;
	frame->r13 = from->r13;
	frame->r14 = from->r14;
	frame->r15 = from->r15;
	frame->rdi = from->rdi;
	frame->rsi = from->rsi;
	frame->rbp = from->rbp;
	frame->rbx = from->rbx;
	frame->rdx = from->rdx;
	frame->rax = from->rax;
	frame->rcx = from->rcx;
	frame->rsp = from->rsp;
	frame->rip = from->rip;
	frame->eflags = from->eflags;
	frame->cs = (uint16_t)from->cs;
	frame->ss = (uint16_t)from->ss;
	if ((int64_t)from->orig_rax >= 0 &&
		(result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
			result == -ERESTARTBLOCK)) {
		frame->rax = from->orig_rax;
		frame->rip -= 2;
	}
}

/* Of the extended state, in the layout that XSAVE gives it: arch/x86/include/asm/fpu/types.h. */
#define EXTENDED_MASK   464 /* where ptrace(2) says which features there are */
#define EXTENDED_USED   512 /* where the processor says which are in use */
#define EXTENDED_LEGACY 512 /* of x87 and SSE, with what is for software */
#define EXTENDED_MIN    576
#define FEATURES_LEGACY 3 /* x87 and SSE, which are always there */

#define MAGIC_START     0x46505853
#define MAGIC_END       0x46505845

static size_t features_len(uint64_t features, size_t most)
{
	size_t len = EXTENDED_MIN;

	for (unsigned i = 2; i < 63; i++) {
		unsigned size, offset, c, d;

		if (!(features >> i & 1))
			continue;
		__cpuid_count(0xd, i, size, offset, c, d);
		len = max_u64(len, (uint64_t)size + offset);
	}
	return min_u64(len, most);
}

/* As the kernel lays it out for a signal handler. Returns its length. */
static size_t set_extended(unsigned char *to, const struct cpu_state *state)
{
	uint64_t features, used;
	uint32_t magic = MAGIC_START, size, tail = MAGIC_END;
	size_t len;

	if (state->extended_kind != NT_X86_XSTATE) {
		memcpy(to, state->extended, EXTENDED_LEGACY);
		memset(to + EXTENDED_MASK, 0, EXTENDED_LEGACY - EXTENDED_MASK); /* no magic */
		return EXTENDED_LEGACY;
	}
	memcpy(&features, state->extended + EXTENDED_MASK, sizeof(features));
	memcpy(&used, state->extended + EXTENDED_USED, sizeof(used));
	/* The others are as at the start, which the kernel makes those that are not there. */
	features &= used | FEATURES_LEGACY;
	len = features_len(features, state->extended_len);
	memcpy(to, state->extended, len);
	size = (uint32_t)(len + sizeof(tail));
	memcpy(to + EXTENDED_MASK, &magic, sizeof(magic));
	memcpy(to + EXTENDED_MASK + 4, &size, sizeof(size));
	memcpy(to + EXTENDED_MASK + 8, &features, sizeof(features));
	size = (uint32_t)len;
	memcpy(to + EXTENDED_MASK + 16, &size, sizeof(size));
	memcpy(to + len, &tail, sizeof(tail));
	return len + sizeof(tail);
}

/* Return address, frame, extended state; the last where the processor wants it. */
void cpu_make_net(const struct cpu_state *state, const struct cpu_gadgets *gadgets, uint64_t end,
	struct cpu_net *ret)
{
	struct frame frame = {
		.flags = FRAME_STACK_SELECT |
			 (state->extended_kind == NT_X86_XSTATE ? FRAME_EXTENDED : 0),
		.stack_flags = FRAME_NO_STACK,
		.mask = state->mask,
	};
	static const size_t before = sizeof(uint64_t) + sizeof(struct frame);
	unsigned char extended[CPU_EXTENDED_MAX + sizeof(uint32_t)];
	size_t len = set_extended(extended, state);

	frame.extended = ((end ? end : state->registers.rsp - RED_ZONE) - len) & ~UINT64_C(63);
	set_registers(&frame, &state->registers);
	ret->resume = frame.extended - sizeof(frame);
	ret->start = ret->resume - sizeof(uint64_t);
	ret->len = before + len;
	memcpy(ret->bytes, &gadgets->sigreturn, sizeof(uint64_t));
	memcpy(ret->bytes + sizeof(uint64_t), &frame, sizeof(frame));
	memcpy(ret->bytes + before, extended, len);
}

/* Not a system call that is to be restarted, and no single steps. */
static void set_fresh(struct user_regs_struct *registers)
{
	registers->orig_rax = (uint64_t)-1;
	registers->eflags &= ~(uint64_t)(FLAG_TRAP | FLAG_DIRECTION);
}

void cpu_set_call(struct user_regs_struct *registers, const struct cpu_gadgets *gadgets,
	const struct cpu_net *net, long nr, const uint64_t args[6])
{
	set_fresh(registers);
	registers->rax = (uint64_t)nr;
	registers->rdi = args[0];
	registers->rsi = args[1];
	registers->rdx = args[2];
	registers->r10 = args[3];
	registers->r8 = args[4];
	registers->r9 = args[5];
	registers->rip = gadgets->call;
	registers->rsp = net->start;
}

long cpu_result(const struct user_regs_struct *registers)
{
	return (long)registers->rax;
}

void cpu_set_entry(struct user_regs_struct *registers, uint64_t function, uint64_t argument,
	uint64_t stack_end)
{
	set_fresh(registers);
	registers->rip = function;
	registers->rdi = argument;
	registers->rsp = stack_end;
	registers->rbp = 0;
}
