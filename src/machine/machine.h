/* SPDX-License-Identifier: MIT */
/*
 * The machine-wide mode: /etc/ld.so.preload names the agent, which the loader then maps into every
 * program, and the compiled policy tells it what to do there. All paths are below a root, which is
 * "/" but in tests. The functions answer 0 or a negative errno, if they say nothing else.
 */
#ifndef MEMSEAL_MACHINE_MACHINE_H
#define MEMSEAL_MACHINE_MACHINE_H

#include <sys/types.h>

#include "base/policy.h"
#include "base/util.h"

#define MACHINE_PRELOAD "/etc/ld.so.preload"

/*
 * The loader of each architecture puts a directory of its own for $LIB: lib/x86_64-linux-gnu and
 * lib/i386-linux-gnu on Debian, lib64 and lib elsewhere. The agent is in the one, and in the other
 * a stub for programs of 32 bits, which does nothing.
 */
#define ENTRY_LIB MEMSEAL_PREFIX "/$LIB/memseal/libmemseal-machine.so"

/*
 * The list, or nothing if there is no such file; *ret_there says which. Errors of replace_read();
 * of them -ENODEV: the mode is switched off until the next start of the machine, see
 * agent/door-machine.c.
 */
ssize_t machine_read_preload(const char *root, char *buf, size_t size, bool *ret_there) MUST_CHECK
	NONNULL(1, 2, 4);

/*
 * Is the agent's file one that every program may load, at every time from the start of the machine
 * on? -ENOENT, -ELOOP (a symbolic link), -EINVAL (not a regular file), -EPERM (it or a directory
 * above is not root's, or others may write to it), -EACCES (others may not read it), -EXDEV (on
 * another file system than the loader), -ENOTSUP (a file system that nothing is executed from),
 * -ENOEXEC (cut off, or not an object of this machine); or as openat(2).
 */
int machine_check_agent(const char *root) MUST_CHECK NONNULL(1);

/* The same of what stands in for it in programs of 32 bits. */
int machine_check_stub(const char *root) MUST_CHECK NONNULL(1);

enum machine_policy {
	MACHINE_POLICY_NONE,    /* there is no compiled one: every program is sealed */
	MACHINE_POLICY_CURRENT, /* it is what the blocks say */
	MACHINE_POLICY_OTHER,   /* it says something else */
	MACHINE_POLICY_DAMAGED, /* not all programs can read it, or it is none: they are sealed */
};

/* Compares the compiled policy with len bytes of blocks; 0: there should be none. */
enum machine_policy machine_compare_policy(
	const char *root, const union policy_block *blocks, size_t len) MUST_CHECK NONNULL(1, 2);

/*
 * For one that changes the mode at a time: waits for others. A descriptor, until it is closed, of
 * a file that only root can open, in the policy's directory, which is made if it is not there.
 */
int machine_lock(const char *root) MUST_CHECK NONNULL(1);

/*
 * Puts the policy in place; see replace_write(), and -EACCES: its directory is closed to programs
 * of other users. len 0: takes it away, if it is there.
 */
int machine_write_policy(const char *root, const union policy_block *blocks, size_t len) MUST_CHECK
	NONNULL(1, 2);

/*
 * Adds the agent to the list by this name, ENTRY_LIB or
 * MEMSEAL_MACHINE_PATH, and by no other, or takes it away
 * (NULL), and leaves all else in it as it is: 1; 0 if it is so already. A list that becomes empty
 * is removed. On failure the list is as it was, but see replace_write(). Errors: of replace_read()
 * and replace_write().
 */
int machine_switch(const char *root, const char *entry) MUST_CHECK NONNULL(1);

/*
 * Makes an empty list if there is none, which the loader takes for none: 1; 0 if there is one.
 * Errors: of replace_read() and replace_write(). And takes one that is empty away.
 */
int machine_make_list(const char *root) MUST_CHECK NONNULL(1);
void machine_drop_empty_list(const char *root) NONNULL(1);

/*
 * Takes away what a change that was interrupted has left: what lies beside the list and the policy,
 * and a list that is empty, which the loader takes for none. To be called under the lock.
 */
void machine_clean(const char *root) NONNULL(1);

/* Are there programs of 32 bits below the root, which cannot load the agent: their loader is there?
 */
bool machine_runs_32_bits(const char *root) MUST_CHECK NONNULL(1);

/* The loader of this architecture's glibc, or NULL: there is none that is known here. */
const char *machine_loader(void) MUST_CHECK;

/* The same of the programs of 32 bits that such a machine can run. */
const char *machine_loader_32(void) MUST_CHECK;

#endif
