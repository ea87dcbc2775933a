/* SPDX-License-Identifier: MIT */
/*
 * The catalogue of attacks on memory that is to stay as it is, and the runner that tries one of
 * them in a child. What is attacked may be the text of libc, or of the dynamic loader, and the
 * attack may work: nothing here calls libc, allocates or trusts anything but its own image, which
 * must not be the target.
 */
#ifndef MEMSEAL_ATTACK_ATTACK_H
#define MEMSEAL_ATTACK_ATTACK_H

#include "base/util.h"

/* Memory to attack: whole pages, all of them mapped, the watched one readable. */
struct attack_target {
	uint64_t addr;
	size_t len;
	size_t page;      /* bytes */
	uint64_t watched; /* the page of it that is looked at, and that attacks on a part hit */
	bool untouched;   /* no page was touched yet: do not look at it before the attack */
	int file;         /* the file behind it, open for reading, or -1: unknown or none */
	uint64_t offset;  /* of the watched page in that file */
	int writable; /* the same file open for writing, for attacks that CHANGE THE FILE, or -1:
			 leave the file alone */
};

struct attack {
	const char *name;
	/*
	 * Makes the attempt on the calling process. 0: the kernel carried it out; a negative errno:
	 * what it answered; attack_untried(errno): the attempt was not made, because a step before
	 * it failed or makes no sense on this target. arg is the catalogue's.
	 */
	int (*run)(const struct attack_target *target, int arg);
	int arg;
};

/* Every attack. */
extern const struct attack attack_catalogue[];
extern const size_t attack_count;

/* What became of the watched page. */
enum attack_effect {
	ATTACK_UNCHANGED = 0,
	ATTACK_WRITABLE,   /* the same bytes, but they can be written now */
	ATTACK_CHANGED,    /* other bytes */
	ATTACK_ZEROED,     /* all zero */
	ATTACK_FILE_BYTES, /* what is in the file, which is not what was in memory */
	ATTACK_SIGSEGV,
	ATTACK_SIGBUS,
	ATTACK_HANGS, /* a read never returns */
};

enum attack_verdict {
	ATTACK_ALLOWED,     /* the kernel carried out the call; the effects say what it did */
	ATTACK_BLOCKED,     /* the kernel refused it */
	ATTACK_UNSUPPORTED, /* not tried, or a call that this kernel does not have */
};

struct attack_result {
	enum attack_verdict verdict;
	int error;                /* 0 or the negative errno that decided the verdict */
	enum attack_effect self;  /* as the attacked process sees it */
	enum attack_effect child; /* as a child sees it that is forked after the attack */
};

/*
 * Tries one attack in a child of the calling process, which inherits the memory and its seals: the
 * caller survives, but for shared memory and files, which are the child's too. A target that hangs
 * costs a few seconds. Not for a process that reaps children it does not know in another thread.
 *
 * -ENOMEM, -EAGAIN  no memory or no process for the attempt
 * -EINTR            the attacked process died during the attack itself, or could not find out what
 *                   became of the memory
 */
int attack_run(const struct attack *attack, const struct attack_target *target,
	struct attack_result *ret) MUST_CHECK NONNULL(1, 2, 3);

/* "unchanged", "file bytes", "SIGSEGV", ... */
const char *attack_effect_name(enum attack_effect effect);

/* "EPERM", or NULL for an errno that no attack is known to meet. */
const char *attack_errno_name(int error);

/* Room for any text of attack_result_text(). */
#define ATTACK_TEXT_SIZE 64

/*
 * A result in the words of the expectations: "ok", "EPERM", "ok, zeroed" or, where only a forked
 * child sees something, "ok, child SIGSEGV"; "untried" if it is unsupported.
 */
void attack_result_text(const struct attack_result *result, char text[ATTACK_TEXT_SIZE]) NONNULL(1);

/* Kinds of memory, by what decides how the kernel answers. */
enum attack_kind {
	ATTACK_ANON_RW, /* private anonymous, read-write: data, heap */
	ATTACK_ANON_RO, /* private anonymous, written, then read-only: RELRO after its repair */
	ATTACK_FILE_RO, /* private mapping of a file, read-only: text and read-only data */
	ATTACK_FILE_WRITTEN, /* the same, written, then made read-only: RELRO as loaders leave it */
	ATTACK_SHARED_RW,    /* shared mapping of a memfd, read-write */
	ATTACK_MEMFD_RO, /* write-sealed memfd, reopened and mapped shared, read-only: contents */
	ATTACK_KINDS,
};

/* What holds the memory. */
enum attack_lock {
	ATTACK_LOCK_NONE,
	ATTACK_LOCK_KERNEL, /* mseal(2) */
	ATTACK_LOCK_FILTER, /* a seccomp filter: MEMSEAL_MAPPING and MEMSEAL_NO_DISCARD */
	ATTACK_LOCKS,
};

/*
 * The text that attack_result_text() gives on the newest kernel the table was measured on, or NULL
 * for an attack that it does not know.
 */
const char *attack_expected(const char *attack, enum attack_kind kind, enum attack_lock lock)
	NONNULL(1);

/*
 * Memory as the library hands it out and holds it, by everything that a program without privilege
 * on a kernel with mseal(2) can have. The files behind it are attacked through a descriptor that
 * only an administrator gets: the library leaves none.
 */
enum attack_object {
	ATTACK_ARENA,        /* memseal_arena_freeze() */
	ATTACK_ARENA_FILTER, /* the same after memseal_filter_allow() */
	ATTACK_GLOBALS,      /* memseal_globals_freeze() */
	ATTACK_GLOBALS_FILTER,
	ATTACK_OBJECTS,
};

/* As attack_expected(). */
const char *attack_object_expected(const char *attack, enum attack_object object) NONNULL(1);

const char *attack_object_name(enum attack_object object);
const char *attack_kind_name(enum attack_kind kind);
const char *attack_lock_name(enum attack_lock lock);

#endif
