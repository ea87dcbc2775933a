/* SPDX-License-Identifier: MIT */
/*
 * The text of /proc/PID/maps or /proc/PID/smaps, one mapping at a time. Pure: it takes bytes,
 * allocates nothing, and its results point into them.
 */
#ifndef MEMSEAL_MODEL_MAPS_H
#define MEMSEAL_MODEL_MAPS_H

#include "base/span.h"
#include "base/util.h"

enum mapping_prot {
	MAPPING_READ = 1 << 0, /* the values of PROT_READ, PROT_WRITE and PROT_EXEC */
	MAPPING_WRITE = 1 << 1,
	MAPPING_EXEC = 1 << 2,
};

/* What the kernel says lies behind a mapping. */
enum mapping_kind {
	MAPPING_ANON, /* no name, or "[anon:...]" from PR_SET_VMA_ANON_NAME */
	MAPPING_FILE,
	MAPPING_MEMFD, /* "/memfd:...", memfd_secret's "/secretmem" too */
	MAPPING_SHM,   /* "/SYSV........", "/dev/zero" shared: memory that only looks like a file */
	MAPPING_HEAP,
	MAPPING_STACK,
	MAPPING_VDSO,
	MAPPING_VVAR, /* "[vvar]" and "[vvar_vclock]" */
	MAPPING_VSYSCALL,
	MAPPING_SPECIAL, /* any other name in brackets: "[uprobes]", "[sigpage]" */
};

struct mapping {
	SPAN_MEMBERS;    /* page aligned, start < end */
	uint64_t offset; /* in the file, bytes */
	uint64_t inode;  /* 0: no file */
	uint32_t dev_major, dev_minor;
	unsigned prot; /* enum mapping_prot */
	bool shared;
	bool deleted; /* the name ended in " (deleted)", which is taken off */
	enum mapping_kind kind;
	const char *name; /* as printed: newlines are \012; not terminated */
	size_t name_len;

	/* From smaps alone; see maps_init(). */
	bool sealed;    /* "sl", Linux 6.10 */
	bool may_write; /* "mw": mprotect could make it writable */
	bool locked;    /* "lo": mlock */
	bool no_dump;   /* "dd": MADV_DONTDUMP */
	bool no_fork;   /* "dc": MADV_DONTFORK */
	bool wiped;     /* "wf": zeroes in children, MADV_WIPEONFORK */
	bool userfault; /* "um", "ui": a userfaultfd provides pages */
	bool grows;     /* "gd": a page fault below it makes it longer */
	bool droppable; /* "dp": the kernel may drop its pages, Linux 6.11 */
	bool clean;     /* a page is not dirty: of a file, swapped in, or given to MADV_FREE */

	/* In no text: for whoever can ask the file. */
	bool write_sealed; /* F_SEAL_WRITE of a memfd: nobody can write to it */
};

enum maps_format {
	MAPS_PLAIN, /* /proc/PID/maps */
	MAPS_SMAPS, /* /proc/PID/smaps: every mapping must come with its VmFlags */
};

struct maps {
	const char *at, *end;
	uint64_t last;
	enum maps_format format;
};

void maps_init(struct maps *maps, const char *text, size_t len, enum maps_format format) NONNULL(1);

/*
 * The next mapping: 1, or 0 at the end, or -EBADMSG for a line that the kernel would not write:
 * cut off, out of order, an impossible number, flags missing in smaps. *ret is untouched unless 1.
 */
int maps_next(struct maps *maps, struct mapping *ret) MUST_CHECK NONNULL(1, 2);

/* Do two mappings show the same file? */
static inline bool mapping_same_file(const struct mapping *a, const struct mapping *b)
{
	return a->inode == b->inode && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* The kind that the kernel's name of a mapping without an inode stands for: "[heap]", "", ... */
enum mapping_kind mapping_kind_of(const char *name) NONNULL(1);

/*
 * The mapping's name with \012 turned back into newlines, terminated, for opening the file.
 * Returns its length, or -ENAMETOOLONG.
 */
int mapping_path(const struct mapping *mapping, char *buf, size_t size) MUST_CHECK NONNULL(1, 2);

#endif
