/* SPDX-License-Identifier: MIT */
/*
 * What every attack comes to on memory that the library holds, as measured on Linux 6.18 (x86-64)
 * and held there by the tests. What nobody can do without a descriptor of the file ("file-") is
 * tried by an administrator, who gets one.
 */
#include "attack/attack.h"

#define DONE    "ok"
#define GONE    "ok, SIGSEGV"
#define F_GONE  "ok, child SIGSEGV"
#define PERM    "EPERM"
#define INVAL   "EINVAL"
#define ACCES   "EACCES"
#define FAULT   "EFAULT"
#define IO      "EIO"
#define NOMEM   "ENOMEM"
#define UNTRIED "untried"

/* clang-format off */
#define ALL(text) { text, text, text, text }

/* Columns: arena, arena with filter, globals, globals with filter (enum attack_object). */
static const struct {
	const char *attack;
	const char *text[ATTACK_OBJECTS];
} rows[] = {
	{ "munmap",                 ALL(PERM) },
	{ "munmap-part",            ALL(PERM) },
	{ "munmap-around",          ALL(PERM) },
	{ "mmap-fixed",             ALL(PERM) },
	{ "mmap-fixed-part",        ALL(PERM) },
	{ "mmap-fixed-around",      ALL(PERM) },
	{ "shmat-remap",            ALL(PERM) },
	{ "shmat-remap-part",       ALL(PERM) },
	{ "remap-file-pages",       ALL(PERM) },
	{ "mremap-same",            ALL(PERM) },
	{ "mremap-grow",            ALL(PERM) },
	{ "mremap-grow-away",       ALL(PERM) },
	{ "mremap-grow-neighbour",  { NOMEM,   NOMEM,   UNTRIED, UNTRIED } },
	{ "mremap-shrink",          ALL(PERM) },
	{ "mremap-away",            ALL(PERM) },
	{ "mremap-away-part",       ALL(PERM) },
	{ "mremap-dontunmap",       ALL(PERM) },
	{ "mremap-dontunmap-part",  ALL(PERM) },
	{ "mremap-duplicate",       ALL(PERM) },
	{ "mremap-onto",            ALL(PERM) },
	{ "mremap-onto-dontunmap",  ALL(PERM) },
	{ "mprotect-none",          ALL(PERM) },
	{ "mprotect-none-part",     ALL(PERM) },
	{ "mprotect-r",             ALL(PERM) },
	{ "mprotect-rw",            ALL(ACCES) },
	{ "mprotect-rw-part",       ALL(ACCES) },
	{ "mprotect-rx",            ALL(PERM) },
	{ "mprotect-rwx",           ALL(ACCES) },
	{ "pkey-mprotect",          ALL(ACCES) },
	{ "pkey-mprotect-no-key",   ALL(ACCES) },
	{ "madv-dontneed",          { DONE,    PERM,    DONE,    PERM } },
	{ "madv-dontneed-locked",   { DONE,    PERM,    DONE,    PERM } },
	{ "madv-free",              { INVAL,   PERM,    INVAL,   PERM } },
	{ "madv-remove",            { ACCES,   PERM,    ACCES,   PERM } },
	{ "madv-dontfork",          { F_GONE,  PERM,    F_GONE,  PERM } },
	{ "madv-wipeonfork",        { INVAL,   PERM,    INVAL,   PERM } },
	{ "madv-guard-install",     { GONE,    PERM,    GONE,    PERM } },
	{ "madv-guard-remove",      ALL(DONE) },
	{ "madv-normal",            ALL(DONE) },
	{ "madv-random",            ALL(DONE) },
	{ "madv-sequential",        ALL(DONE) },
	{ "madv-willneed",          ALL(DONE) },
	{ "madv-dofork",            ALL(DONE) },
	{ "madv-keeponfork",        ALL(DONE) },
	{ "madv-mergeable",         ALL(DONE) },
	{ "madv-unmergeable",       ALL(DONE) },
	{ "madv-hugepage",          ALL(DONE) },
	{ "madv-nohugepage",        ALL(DONE) },
	{ "madv-collapse",          ALL(INVAL) },
	{ "madv-dontdump",          ALL(DONE) },
	{ "madv-dodump",            ALL(DONE) },
	{ "madv-cold",              ALL(DONE) },
	{ "madv-pageout",           ALL(DONE) },
	{ "madv-populate-read",     ALL(DONE) },
	{ "madv-populate-write",    ALL(INVAL) },
	{ "pidfd-dontneed",         { DONE,    UNTRIED, DONE,    UNTRIED } },
	{ "pidfd-free",             { INVAL,   UNTRIED, INVAL,   UNTRIED } },
	{ "pidfd-guard-install",    { GONE,    UNTRIED, GONE,    UNTRIED } },
	{ "child-dontneed",         { INVAL,   UNTRIED, INVAL,   UNTRIED } },
	{ "child-pageout",          ALL(DONE) },
	{ "io-uring-dontneed",      { DONE,    UNTRIED, DONE,    UNTRIED } },
	{ "io-uring-free",          { INVAL,   UNTRIED, INVAL,   UNTRIED } },
	{ "io-uring-remove",        { ACCES,   UNTRIED, ACCES,   UNTRIED } },
	{ "io-uring-guard-install", { GONE,    UNTRIED, GONE,    UNTRIED } },
	{ "uffd-register",          { PERM,    UNTRIED, PERM,    UNTRIED } },
	{ "uffd-register-wp",       { PERM,    UNTRIED, PERM,    UNTRIED } },
	{ "uffd-protect",           { PERM,    UNTRIED, PERM,    UNTRIED } },
	{ "uffd-copy",              { PERM,    UNTRIED, PERM,    UNTRIED } },
	{ "uffd-discard-copy",      { PERM,    UNTRIED, PERM,    UNTRIED } },
	{ "uffd-move-to",           { PERM,    UNTRIED, PERM,    UNTRIED } },
	{ "uffd-discard-move-to",   { PERM,    UNTRIED, PERM,    UNTRIED } },
	{ "uffd-move-from",         { INVAL,   UNTRIED, INVAL,   UNTRIED } },
	{ "proc-mem",               ALL(IO) },
	{ "proc-mem-child",         ALL(IO) },
	{ "ptrace-poke",            ALL(IO) },
	{ "ptrace-poke-text",       ALL(IO) },
	{ "process-vm-writev",      ALL(FAULT) },
	{ "read-into",              ALL(FAULT) },
	{ "file-pwrite",            ALL(PERM) },
	{ "file-truncate",          ALL(PERM) },
	{ "file-punch-hole",        ALL(PERM) },
	{ "file-map-writable",      ALL(PERM) },
	{ "file-map-files",         ALL(PERM) },
	{ "file-reopen",            ALL(PERM) },
	{ "file-add-seals",         ALL(PERM) },
	{ "fork-mprotect-rw",       ALL(ACCES) },
	{ "fork-munmap",            ALL(PERM) },
	{ "child-write",            ALL(FAULT) },
	{ "mlock",                  ALL(DONE) },
	{ "munlock",                ALL(DONE) },
	{ "mbind",                  ALL(DONE) },
	{ "move-pages",             ALL(DONE) },
	{ "msync",                  ALL(DONE) },
	{ "msync-invalidate",       ALL(DONE) },
};
/* clang-format on */

static const char *const names[ATTACK_OBJECTS] = {
	[ATTACK_ARENA] = "arena",
	[ATTACK_ARENA_FILTER] = "arena, filter",
	[ATTACK_GLOBALS] = "globals",
	[ATTACK_GLOBALS_FILTER] = "globals, filter",
};

static bool equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return *a == *b;
}

const char *attack_object_expected(const char *attack, enum attack_object object)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (equal(rows[i].attack, attack))
			return rows[i].text[object];
	return NULL;
}

const char *attack_object_name(enum attack_object object)
{
	return names[object];
}
