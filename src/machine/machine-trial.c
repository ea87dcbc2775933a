/* SPDX-License-Identifier: MIT */
#include "machine/machine-trial.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "machine/machine.h"
#include "machine/preload.h"

#define PATIENCE 20000 /* ms, for a program to end */

enum condition {
	AS_IT_IS,
	AS_NOBODY, /* so that set-uid programs are executed with more than they had */
	CONFINED,
	WITHOUT_PROC,
};

/* None of them changes anything. */
static const struct attempt {
	enum condition condition;
	const char *argv[5];
} attempts[] = {
	{ AS_IT_IS, { "/bin/true" } },
	{ AS_IT_IS, { "/bin/sh", "-c", "echo $((6 * 7)); exit 7" } },
	{ AS_IT_IS, { "/usr/bin/env", "-i", "/bin/echo", "hello" } },
	{ AS_IT_IS, { "/bin/ls", "/" } },
	{ AS_IT_IS, { "/bin/bash", "-c", "echo ${BASH_VERSION}" } },
	{ AS_IT_IS, { "/bin/login", "--help" } },
	{ AS_IT_IS, { "/usr/bin/dpkg", "--version" } },
	{ AS_IT_IS, { "/usr/bin/apt-get", "--version" } },
	{ AS_IT_IS, { "/usr/bin/rpm", "--version" } },
	{ AS_IT_IS, { "/usr/bin/systemctl", "--version" } },
	{ AS_IT_IS, { "/usr/lib/systemd/systemd", "--version" } },
	{ AS_IT_IS, { "/usr/sbin/sshd", "-V" } },
	{ AS_IT_IS, { "/usr/bin/python3", "-c", "print(6 * 7)" } },
	{ AS_IT_IS, { "/usr/bin/perl", "-e", "print 6 * 7" } },
	{ AS_NOBODY, { "/bin/su", "--version" } },
	{ AS_NOBODY, { "/usr/bin/passwd", "--help" } },
	{ AS_NOBODY, { "/usr/bin/sudo", "-V" } },
	{ CONFINED, { "/bin/true" } },
	{ CONFINED, { "/bin/ls", "/" } },
	{ WITHOUT_PROC, { "/bin/true" } },
	{ WITHOUT_PROC, { "/bin/ls", "/" } },
};

struct outcome {
	uint64_t output; /* a hash of it */
	int status;
	bool late;
};

static bool is_there(const struct attempt *attempt)
{
	return access(attempt->argv[0], X_OK) == 0;
}

static int confine(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_mseal, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int drop_proc(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return umount2("/proc", MNT_DETACH);
}

static int drop_privileges(void)
{
	const uid_t nobody = 65534;

	if (setresgid(nobody, nobody, nobody) < 0)
		return -1;
	return setresuid(nobody, nobody, nobody);
}

static int enter_condition(enum condition condition)
{
	switch (condition) {
	case AS_NOBODY:
		return drop_privileges();
	case CONFINED:
		return confine();
	case WITHOUT_PROC:
		return drop_proc();
	default:
		return 0;
	}
}

__attribute__((noreturn)) static void execute(const struct attempt *attempt, int out)
{
	static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
		NULL };
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || setsid() < 0 ||
		enter_condition(attempt->condition) < 0)
		_exit(126);
	execve(attempt->argv[0], (char *const *)attempt->argv, (char *const *)environment);
	_exit(126);
}

static void read_output(int fd, struct outcome *outcome)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	unsigned char buf[4096];
	ssize_t n;

	outcome->output = 0xcbf29ce484222325; /* FNV-1a */
	while ((n = poll(&poll_fd, 1, PATIENCE)) > 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			outcome->output = (outcome->output ^ buf[i]) * 0x100000001b3;
	outcome->late = n != 0 || poll_fd.revents == 0;
}

static int observe(const struct attempt *attempt, struct outcome *ret)
{
	int ends[2], r;
	pid_t child;

	*ret = (struct outcome){ .late = false };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		execute(attempt, ends[1]);
	close(ends[1]);
	if (child > 0)
		read_output(ends[0], ret);
	close(ends[0]);
	if (child < 0)
		return -EAGAIN;
	if (ret->late)
		kill(-child, SIGKILL);
	do
		r = waitpid(child, &ret->status, 0);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int observe_all(struct outcome outcomes[static ARRAY_SIZE(attempts)], unsigned *ret_tried)
{
	int r = 0;

	*ret_tried = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(attempts); i++) {
		if (!is_there(&attempts[i]))
			continue;
		r = observe(&attempts[i], &outcomes[i]);
		++*ret_tried;
	}
	return r;
}

static int write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	ssize_t n = fd < 0 ? -1 : write(fd, bytes, len);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

enum verdict {
	VERDICT_FINE = ARRAY_SIZE(attempts), /* else the number of the attempt */
	VERDICT_UNSEALED,
	VERDICT_NO_NAMESPACE,
	VERDICT_CHROOT,
	VERDICT_NOT_TRIED,
};

#define CANDIDATE MEMSEAL_CONF_DIR "/preload"

/* In a namespace of our own, with the configuration's directory for what is not to last. */
static enum verdict stage(const char *entry, const union policy_block *blocks, size_t len)
{
	static char old[PRELOAD_MAX], new[PRELOAD_MAX + PATH_MAX];
	bool there;
	ssize_t old_len = machine_read_preload("", old, sizeof(old), &there);

	if (old_len < 0)
		return VERDICT_NOT_TRIED;
	old_len = (ssize_t)preload_add(old, (size_t)old_len, entry, new);
	umask(022);
	if (unshare(CLONE_NEWNS) < 0)
		return VERDICT_NO_NAMESPACE;
	/* The root directory of a chroot is none of the mounts that can be made private. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return errno == EINVAL ? VERDICT_CHROOT : VERDICT_NO_NAMESPACE;
	if (mount("memseal", MEMSEAL_CONF_DIR, "tmpfs", 0, "mode=755") < 0 ||
		(len > 0 && write_file(POLICY_COMPILED, blocks, len) < 0) ||
		write_file(CANDIDATE, new, (size_t)old_len) < 0 ||
		mount(CANDIDATE, MACHINE_PRELOAD, NULL, MS_BIND, NULL) < 0)
		return VERDICT_NO_NAMESPACE;
	return VERDICT_FINE;
}

/* cat(1) has passed its constructors when what it is given comes back. */
static bool cat_is_sealed(bool (*is_sealed)(pid_t pid))
{
	int in[2], out[2], status;
	bool sealed = false;
	pid_t child;
	char c = 'x';

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return false;
	child = fork();
	if (child == 0) {
		if (dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1)
			execl("/bin/cat", "/bin/cat", (char *)NULL);
		_exit(126);
	}
	close(out[1]);
	close(in[0]);
	if (child > 0 && write(in[1], &c, 1) == 1 && read(out[0], &c, 1) == 1)
		sealed = is_sealed(child);
	close(in[1]);
	close(out[0]);
	if (child > 0)
		(void)waitpid(child, &status, 0);
	return sealed;
}

static enum verdict compare(const struct outcome *before, bool (*is_sealed)(pid_t pid))
{
	struct outcome now;

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		if (!is_there(&attempts[i]))
			continue;
		if (observe(&attempts[i], &now) < 0)
			return VERDICT_NOT_TRIED;
		if (now.status != before[i].status || now.output != before[i].output || now.late)
			return (enum verdict)i;
	}
	/* The policy may leave cat(1) alone. The one that goes here is that of the stage. */
	if (unlink(POLICY_COMPILED) < 0 && errno != ENOENT)
		return VERDICT_NOT_TRIED;
	return cat_is_sealed(is_sealed) ? VERDICT_FINE : VERDICT_UNSEALED;
}

static int explain(enum verdict verdict, struct machine_trial *ret)
{
	switch (verdict) {
	case VERDICT_FINE:
		return 0;
	case VERDICT_UNSEALED:
		ret->program = "/bin/cat";
		ret->what = "is not sealed";
		return -EOPNOTSUPP;
	case VERDICT_NO_NAMESPACE:
		ret->what = "cannot make a mount namespace to try it in";
		return -EPERM;
	case VERDICT_CHROOT:
		ret->what = "it cannot be tried in a chroot: boot this system, or enter it with "
			    "systemd-nspawn, and enable it there";
		return -EPERM;
	case VERDICT_NOT_TRIED:
		ret->what = "cannot start the programs to try it with";
		return -EAGAIN;
	default:
		ret->program = attempts[verdict].argv[0];
		ret->what = attempts[verdict].condition == CONFINED
				    ? "does something else under a seccomp filter"
			    : attempts[verdict].condition == WITHOUT_PROC
				    ? "does something else without /proc"
				    : "does something else";
		return -EOPNOTSUPP;
	}
}

int machine_trial(const char *entry, const union policy_block *blocks, size_t len,
	bool (*is_sealed)(pid_t pid), struct machine_trial *ret)
{
	struct outcome before[ARRAY_SIZE(attempts)] = { { .status = 0 } };
	int status = 0, r;
	pid_t child;

	*ret = (struct machine_trial){ .what = NULL };
	r = observe_all(before, &ret->tried);
	if (r < 0)
		return explain(VERDICT_NOT_TRIED, ret);
	child = fork();
	if (child == 0) {
		enum verdict verdict = stage(entry, blocks, len);

		_exit((int)(verdict == VERDICT_FINE ? compare(before, is_sealed) : verdict));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return explain(VERDICT_NOT_TRIED, ret);
	return explain((enum verdict)WEXITSTATUS(status), ret);
}
