/* SPDX-License-Identifier: MIT */
/*
 * deny-syscall NUMBER ERRNO|kill COMMAND [ARG...]
 *
 * Runs a command to which a seccomp filter answers ERRNO, or SIGSYS, for one system call.
 */
#include <err.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static unsigned number(const char *text)
{
	char *end;
	unsigned long ret = strtoul(text, &end, 10);

	if (end == text || *end || ret > SECCOMP_RET_DATA)
		errx(125, "%s: not a number up to %d", text, SECCOMP_RET_DATA);
	return (unsigned)ret;
}

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (argc < 4)
		errx(125, "usage: deny-syscall NUMBER ERRNO|kill COMMAND [ARG...]");
	code[1].k = number(argv[1]);
	if (strcmp(argv[2], "kill") != 0)
		code[2].k = SECCOMP_RET_ERRNO | number(argv[2]);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		err(125, "cannot install the filter");
	execvp(argv[3], argv + 3);
	err(125, "%s", argv[3]);
}
