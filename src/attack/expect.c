/* SPDX-License-Identifier: MIT */
/*
 * What every attack comes to, as measured on Linux 6.18 (x86-64, ext4) and held there by the tests.
 * The rows for a protection key were not measured but read in mm/mprotect.c: with a key that is
 * allocated the same checks follow as without one.
 *
 * To add a lock: a member of enum attack_lock, a table, and a line in tables[] and lock_names[].
 */
#include "attack/attack.h"

/*
 * After "ok" stands what it did. F_: seen by a child that is forked afterwards. INVAL_H, INVAL_Z:
 * refused, but only after a first step, the discarding, had worked.
 */
#define DONE     "ok"
#define GONE     "ok, SIGSEGV"
#define BUS      "ok, SIGBUS"
#define ZEROED   "ok, zeroed"
#define CHANGED  "ok, changed"
#define RELOADED "ok, file bytes"
#define WRITABLE "ok, writable"
#define F_GONE   "ok, child SIGSEGV"
#define F_ZERO   "ok, child zeroed"
#define PERM     "EPERM"
#define INVAL    "EINVAL"
#define ACCES    "EACCES"
#define FAULT    "EFAULT"
#define IO       "EIO"
#define NOMEM    "ENOMEM"
#define EXIST    "EEXIST"
#define UNTRIED  "untried"
#define INVAL_H  "EINVAL, hangs, child zeroed"
#define INVAL_Z  "EINVAL, zeroed"

struct row {
	const char *attack;
	const char *text[ATTACK_KINDS];
};

/* clang-format off */
#define ALL(text) { text, text, text, text, text, text }

/* Columns: anon-rw, anon-ro, file-ro, file-written, shared-rw, memfd-ro (enum attack_kind). */
static const struct row no_lock[] = {
	{ "munmap",                ALL(GONE) },
	{ "munmap-part",           ALL(GONE) },
	{ "munmap-around",         ALL(GONE) },
	{ "mmap-fixed",            ALL(ZEROED) },
	{ "mmap-fixed-part",       ALL(ZEROED) },
	{ "mmap-fixed-around",     ALL(ZEROED) },
	{ "shmat-remap",           ALL(ZEROED) },
	{ "shmat-remap-part",      ALL(ZEROED) },
	{ "remap-file-pages",      { INVAL,    INVAL,    INVAL,    INVAL,    CHANGED,  INVAL } },
	{ "mremap-same",           ALL(DONE) },
	{ "mremap-grow",           ALL(DONE) },
	{ "mremap-grow-away",      ALL(GONE) },
	{ "mremap-grow-neighbour", ALL(NOMEM) },
	{ "mremap-shrink",         ALL(GONE) },
	{ "mremap-away",           ALL(GONE) },
	{ "mremap-away-part",      ALL(GONE) },
	{ "mremap-dontunmap",      { ZEROED,   ZEROED,   DONE,     RELOADED, DONE,     DONE } },
	{ "mremap-dontunmap-part", { ZEROED,   ZEROED,   DONE,     RELOADED, DONE,     DONE } },
	{ "mremap-duplicate",      { INVAL,    INVAL,    INVAL,    INVAL,    DONE,     DONE } },
	{ "mremap-onto",           ALL(CHANGED) },
	{ "mremap-onto-dontunmap", ALL(CHANGED) },
	{ "mprotect-none",         ALL(GONE) },
	{ "mprotect-none-part",    ALL(GONE) },
	{ "mprotect-r",            ALL(DONE) },
	{ "mprotect-rw",           { DONE,     WRITABLE, WRITABLE, WRITABLE, DONE,     ACCES } },
	{ "mprotect-rw-part",      { DONE,     WRITABLE, WRITABLE, WRITABLE, DONE,     ACCES } },
	{ "mprotect-rx",           ALL(DONE) },
	{ "mprotect-rwx",          { DONE,     WRITABLE, WRITABLE, WRITABLE, DONE,     ACCES } },
	{ "pkey-mprotect",         { DONE,     WRITABLE, WRITABLE, WRITABLE, DONE,     ACCES } },
	{ "pkey-mprotect-no-key",  { DONE,     WRITABLE, WRITABLE, WRITABLE, DONE,     ACCES } },
	{ "madv-dontneed",         { ZEROED,   ZEROED,   DONE,     RELOADED, DONE,     DONE } },
	{ "madv-dontneed-locked",  { ZEROED,   ZEROED,   DONE,     RELOADED, DONE,     DONE } },
	{ "madv-free",             { DONE,     DONE,     INVAL,    INVAL,    INVAL,    INVAL } },
	{ "madv-remove",           { INVAL,    INVAL,    ACCES,    ACCES,    ZEROED,   ACCES } },
	{ "madv-dontfork",         ALL(F_GONE) },
	{ "madv-wipeonfork",       { F_ZERO,   F_ZERO,   INVAL,    INVAL,    INVAL,    INVAL } },
	{ "madv-guard-install",    ALL(GONE) },
	{ "madv-guard-remove",     ALL(DONE) },
	{ "madv-normal",           ALL(DONE) },
	{ "madv-random",           ALL(DONE) },
	{ "madv-sequential",       ALL(DONE) },
	{ "madv-willneed",         ALL(DONE) },
	{ "madv-dofork",           ALL(DONE) },
	{ "madv-keeponfork",       ALL(DONE) },
	{ "madv-mergeable",        ALL(DONE) },
	{ "madv-unmergeable",      ALL(DONE) },
	{ "madv-hugepage",         ALL(DONE) },
	{ "madv-nohugepage",       ALL(DONE) },
	{ "madv-collapse",         ALL(INVAL) },
	{ "madv-dontdump",         ALL(DONE) },
	{ "madv-dodump",           ALL(DONE) },
	{ "madv-cold",             ALL(DONE) },
	{ "madv-pageout",          ALL(DONE) },
	{ "madv-populate-read",    ALL(DONE) },
	{ "madv-populate-write",   { DONE,     INVAL,    INVAL,    INVAL,    DONE,     INVAL } },
	{ "pidfd-dontneed",        { ZEROED,   ZEROED,   DONE,     RELOADED, DONE,     DONE } },
	{ "pidfd-free",            { DONE,     DONE,     INVAL,    INVAL,    INVAL,    INVAL } },
	{ "pidfd-guard-install",   ALL(GONE) },
	{ "child-dontneed",        ALL(INVAL) },
	{ "child-pageout",         ALL(DONE) },
	{ "io-uring-dontneed",     { ZEROED,   ZEROED,   DONE,     RELOADED, DONE,     DONE } },
	{ "io-uring-free",         { DONE,     DONE,     INVAL,    INVAL,    INVAL,    INVAL } },
	{ "io-uring-remove",       { INVAL,    INVAL,    ACCES,    ACCES,    ZEROED,   ACCES } },
	{ "io-uring-guard-install",ALL(GONE) },
	{ "uffd-register",         { DONE,     DONE,     INVAL,    INVAL,    DONE,     PERM } },
	{ "uffd-register-wp",      { DONE,     DONE,     INVAL,    INVAL,    DONE,     PERM } },
	{ "uffd-protect",          { DONE,     DONE,     INVAL,    INVAL,    DONE,     PERM } },
	{ "uffd-copy",             { EXIST,    EXIST,    INVAL,    INVAL,    EXIST,    PERM } },
	{ "uffd-discard-copy",     { CHANGED,  CHANGED,  INVAL,    INVAL,    CHANGED,  PERM } },
	{ "uffd-move-to",          { EXIST,    INVAL,    INVAL,    INVAL,    INVAL,    PERM } },
	{ "uffd-discard-move-to",  { CHANGED,  INVAL_H,  INVAL,    INVAL,    INVAL_Z,  PERM } },
	{ "uffd-move-from",        { ZEROED,   INVAL,    INVAL,    INVAL,    INVAL,    INVAL } },
	{ "proc-mem",              { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "proc-mem-child",        { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "ptrace-poke",           { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "ptrace-poke-text",      { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "process-vm-writev",     { CHANGED,  FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "read-into",             { CHANGED,  FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "file-pwrite",           { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-truncate",         { UNTRIED,  UNTRIED,  BUS,      BUS,      BUS,      PERM } },
	{ "file-punch-hole",       { UNTRIED,  UNTRIED,  ZEROED,   DONE,     ZEROED,   PERM } },
	{ "file-map-writable",     { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-map-files",        { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-reopen",           { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-add-seals",        { UNTRIED,  UNTRIED,  INVAL,    INVAL,    PERM,     PERM } },
	{ "fork-mprotect-rw",      { DONE,     DONE,     DONE,     DONE,     DONE,     ACCES } },
	{ "fork-munmap",           ALL(DONE) },
	{ "child-write",           { DONE,     FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "mlock",                 ALL(DONE) },
	{ "munlock",               ALL(DONE) },
	{ "mbind",                 ALL(DONE) },
	{ "move-pages",            ALL(DONE) },
	{ "msync",                 ALL(DONE) },
	{ "msync-invalidate",      ALL(DONE) },
};

static const struct row kernel_lock[] = {
	{ "munmap",                ALL(PERM) },
	{ "munmap-part",           ALL(PERM) },
	{ "munmap-around",         ALL(PERM) },
	{ "mmap-fixed",            ALL(PERM) },
	{ "mmap-fixed-part",       ALL(PERM) },
	{ "mmap-fixed-around",     ALL(PERM) },
	{ "shmat-remap",           ALL(PERM) },
	{ "shmat-remap-part",      ALL(PERM) },
	{ "remap-file-pages",      { INVAL,    INVAL,    INVAL,    INVAL,    PERM,     INVAL } },
	{ "mremap-same",           ALL(PERM) },
	{ "mremap-grow",           ALL(PERM) },
	{ "mremap-grow-away",      ALL(PERM) },
	{ "mremap-grow-neighbour", ALL(NOMEM) },
	{ "mremap-shrink",         ALL(PERM) },
	{ "mremap-away",           ALL(PERM) },
	{ "mremap-away-part",      ALL(PERM) },
	{ "mremap-dontunmap",      ALL(PERM) },
	{ "mremap-dontunmap-part", ALL(PERM) },
	{ "mremap-duplicate",      ALL(PERM) },
	{ "mremap-onto",           ALL(PERM) },
	{ "mremap-onto-dontunmap", ALL(PERM) },
	{ "mprotect-none",         ALL(PERM) },
	{ "mprotect-none-part",    ALL(PERM) },
	{ "mprotect-r",            ALL(PERM) },
	{ "mprotect-rw",           { PERM,     PERM,     PERM,     PERM,     PERM,     ACCES } },
	{ "mprotect-rw-part",      { PERM,     PERM,     PERM,     PERM,     PERM,     ACCES } },
	{ "mprotect-rx",           ALL(PERM) },
	{ "mprotect-rwx",          { PERM,     PERM,     PERM,     PERM,     PERM,     ACCES } },
	{ "pkey-mprotect",         { PERM,     PERM,     PERM,     PERM,     PERM,     ACCES } },
	{ "pkey-mprotect-no-key",  { PERM,     PERM,     PERM,     PERM,     PERM,     ACCES } },
	{ "madv-dontneed",         { ZEROED,   PERM,     DONE,     RELOADED, DONE,     DONE } },
	{ "madv-dontneed-locked",  { ZEROED,   PERM,     DONE,     RELOADED, DONE,     DONE } },
	{ "madv-free",             { DONE,     PERM,     INVAL,    INVAL,    INVAL,    INVAL } },
	{ "madv-remove",           { INVAL,    PERM,     ACCES,    ACCES,    ZEROED,   ACCES } },
	{ "madv-dontfork",         { F_GONE,   PERM,     F_GONE,   F_GONE,   F_GONE,   F_GONE } },
	{ "madv-wipeonfork",       { F_ZERO,   PERM,     INVAL,    INVAL,    INVAL,    INVAL } },
	{ "madv-guard-install",    { GONE,     PERM,     GONE,     GONE,     GONE,     GONE } },
	{ "madv-guard-remove",     ALL(DONE) },
	{ "madv-normal",           ALL(DONE) },
	{ "madv-random",           ALL(DONE) },
	{ "madv-sequential",       ALL(DONE) },
	{ "madv-willneed",         ALL(DONE) },
	{ "madv-dofork",           ALL(DONE) },
	{ "madv-keeponfork",       ALL(DONE) },
	{ "madv-mergeable",        ALL(DONE) },
	{ "madv-unmergeable",      ALL(DONE) },
	{ "madv-hugepage",         ALL(DONE) },
	{ "madv-nohugepage",       ALL(DONE) },
	{ "madv-collapse",         ALL(INVAL) },
	{ "madv-dontdump",         ALL(DONE) },
	{ "madv-dodump",           ALL(DONE) },
	{ "madv-cold",             ALL(DONE) },
	{ "madv-pageout",          ALL(DONE) },
	{ "madv-populate-read",    ALL(DONE) },
	{ "madv-populate-write",   { DONE,     INVAL,    INVAL,    INVAL,    DONE,     INVAL } },
	{ "pidfd-dontneed",        { ZEROED,   PERM,     DONE,     RELOADED, DONE,     DONE } },
	{ "pidfd-free",            { DONE,     PERM,     INVAL,    INVAL,    INVAL,    INVAL } },
	{ "pidfd-guard-install",   { GONE,     PERM,     GONE,     GONE,     GONE,     GONE } },
	{ "child-dontneed",        ALL(INVAL) },
	{ "child-pageout",         ALL(DONE) },
	{ "io-uring-dontneed",     { ZEROED,   PERM,     DONE,     RELOADED, DONE,     DONE } },
	{ "io-uring-free",         { DONE,     PERM,     INVAL,    INVAL,    INVAL,    INVAL } },
	{ "io-uring-remove",       { INVAL,    PERM,     ACCES,    ACCES,    ZEROED,   ACCES } },
	{ "io-uring-guard-install",{ GONE,     PERM,     GONE,     GONE,     GONE,     GONE } },
	{ "uffd-register",         { DONE,     DONE,     INVAL,    INVAL,    DONE,     PERM } },
	{ "uffd-register-wp",      { DONE,     DONE,     INVAL,    INVAL,    DONE,     PERM } },
	{ "uffd-protect",          { DONE,     DONE,     INVAL,    INVAL,    DONE,     PERM } },
	{ "uffd-copy",             { EXIST,    EXIST,    INVAL,    INVAL,    EXIST,    PERM } },
	{ "uffd-discard-copy",     { CHANGED,  PERM,     INVAL,    INVAL,    CHANGED,  PERM } },
	{ "uffd-move-to",          { EXIST,    INVAL,    INVAL,    INVAL,    INVAL,    PERM } },
	{ "uffd-discard-move-to",  { CHANGED,  PERM,     INVAL,    INVAL,    INVAL_Z,  PERM } },
	{ "uffd-move-from",        { ZEROED,   INVAL,    INVAL,    INVAL,    INVAL,    INVAL } },
	{ "proc-mem",              { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "proc-mem-child",        { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "ptrace-poke",           { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "ptrace-poke-text",      { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "process-vm-writev",     { CHANGED,  FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "read-into",             { CHANGED,  FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "file-pwrite",           { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-truncate",         { UNTRIED,  UNTRIED,  BUS,      BUS,      BUS,      PERM } },
	{ "file-punch-hole",       { UNTRIED,  UNTRIED,  ZEROED,   DONE,     ZEROED,   PERM } },
	{ "file-map-writable",     { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-map-files",        { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-reopen",           { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-add-seals",        { UNTRIED,  UNTRIED,  INVAL,    INVAL,    PERM,     PERM } },
	{ "fork-mprotect-rw",      { PERM,     PERM,     PERM,     PERM,     PERM,     ACCES } },
	{ "fork-munmap",           ALL(PERM) },
	{ "child-write",           { DONE,     FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "mlock",                 ALL(DONE) },
	{ "munlock",               ALL(DONE) },
	{ "mbind",                 ALL(DONE) },
	{ "move-pages",            ALL(DONE) },
	{ "msync",                 ALL(DONE) },
	{ "msync-invalidate",      ALL(DONE) },
};

static const struct row filter_lock[] = {
	{ "munmap",                ALL(PERM) },
	{ "munmap-part",           ALL(PERM) },
	{ "munmap-around",         ALL(PERM) },
	{ "mmap-fixed",            ALL(PERM) },
	{ "mmap-fixed-part",       ALL(PERM) },
	{ "mmap-fixed-around",     ALL(PERM) },
	{ "shmat-remap",           ALL(UNTRIED) },
	{ "shmat-remap-part",      ALL(UNTRIED) },
	{ "remap-file-pages",      ALL(PERM) },
	{ "mremap-same",           ALL(PERM) },
	{ "mremap-grow",           ALL(PERM) },
	{ "mremap-grow-away",      ALL(PERM) },
	{ "mremap-grow-neighbour", ALL(NOMEM) },
	{ "mremap-shrink",         ALL(PERM) },
	{ "mremap-away",           ALL(PERM) },
	{ "mremap-away-part",      ALL(PERM) },
	{ "mremap-dontunmap",      ALL(PERM) },
	{ "mremap-dontunmap-part", ALL(PERM) },
	{ "mremap-duplicate",      ALL(PERM) },
	{ "mremap-onto",           ALL(PERM) },
	{ "mremap-onto-dontunmap", ALL(PERM) },
	{ "mprotect-none",         ALL(PERM) },
	{ "mprotect-none-part",    ALL(PERM) },
	{ "mprotect-r",            ALL(PERM) },
	{ "mprotect-rw",           ALL(PERM) },
	{ "mprotect-rw-part",      ALL(PERM) },
	{ "mprotect-rx",           ALL(PERM) },
	{ "mprotect-rwx",          ALL(PERM) },
	{ "pkey-mprotect",         ALL(PERM) },
	{ "pkey-mprotect-no-key",  ALL(PERM) },
	{ "madv-dontneed",         ALL(PERM) },
	{ "madv-dontneed-locked",  ALL(PERM) },
	{ "madv-free",             ALL(PERM) },
	{ "madv-remove",           ALL(PERM) },
	{ "madv-dontfork",         ALL(PERM) },
	{ "madv-wipeonfork",       ALL(PERM) },
	{ "madv-guard-install",    ALL(PERM) },
	{ "madv-guard-remove",     ALL(DONE) },
	{ "madv-normal",           ALL(DONE) },
	{ "madv-random",           ALL(DONE) },
	{ "madv-sequential",       ALL(DONE) },
	{ "madv-willneed",         ALL(DONE) },
	{ "madv-dofork",           ALL(DONE) },
	{ "madv-keeponfork",       ALL(DONE) },
	{ "madv-mergeable",        ALL(DONE) },
	{ "madv-unmergeable",      ALL(DONE) },
	{ "madv-hugepage",         ALL(DONE) },
	{ "madv-nohugepage",       ALL(DONE) },
	{ "madv-collapse",         ALL(INVAL) },
	{ "madv-dontdump",         ALL(DONE) },
	{ "madv-dodump",           ALL(DONE) },
	{ "madv-cold",             ALL(DONE) },
	{ "madv-pageout",          ALL(DONE) },
	{ "madv-populate-read",    ALL(DONE) },
	{ "madv-populate-write",   { DONE,     INVAL,    INVAL,    INVAL,    DONE,     INVAL } },
	{ "pidfd-dontneed",        ALL(UNTRIED) },
	{ "pidfd-free",            ALL(UNTRIED) },
	{ "pidfd-guard-install",   ALL(UNTRIED) },
	{ "child-dontneed",        ALL(UNTRIED) },
	{ "child-pageout",         ALL(DONE) },
	{ "io-uring-dontneed",     ALL(UNTRIED) },
	{ "io-uring-free",         ALL(UNTRIED) },
	{ "io-uring-remove",       ALL(UNTRIED) },
	{ "io-uring-guard-install", ALL(UNTRIED) },
	{ "uffd-register",         ALL(UNTRIED) },
	{ "uffd-register-wp",      ALL(UNTRIED) },
	{ "uffd-protect",          ALL(UNTRIED) },
	{ "uffd-copy",             ALL(UNTRIED) },
	{ "uffd-discard-copy",     ALL(UNTRIED) },
	{ "uffd-move-to",          ALL(UNTRIED) },
	{ "uffd-discard-move-to",  ALL(UNTRIED) },
	{ "uffd-move-from",        ALL(UNTRIED) },
	{ "proc-mem",              { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "proc-mem-child",        { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "ptrace-poke",           { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "ptrace-poke-text",      { CHANGED,  CHANGED,  CHANGED,  CHANGED,  CHANGED,  IO } },
	{ "process-vm-writev",     { CHANGED,  FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "read-into",             { CHANGED,  FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "file-pwrite",           { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-truncate",         { UNTRIED,  UNTRIED,  BUS,      BUS,      BUS,      PERM } },
	{ "file-punch-hole",       { UNTRIED,  UNTRIED,  ZEROED,   DONE,     ZEROED,   PERM } },
	{ "file-map-writable",     { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-map-files",        { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-reopen",           { UNTRIED,  UNTRIED,  CHANGED,  DONE,     CHANGED,  PERM } },
	{ "file-add-seals",        { UNTRIED,  UNTRIED,  INVAL,    INVAL,    PERM,     PERM } },
	{ "fork-mprotect-rw",      ALL(PERM) },
	{ "fork-munmap",           ALL(PERM) },
	{ "child-write",           { DONE,     FAULT,    FAULT,    FAULT,    CHANGED,  FAULT } },
	{ "mlock",                 ALL(DONE) },
	{ "munlock",               ALL(DONE) },
	{ "mbind",                 ALL(DONE) },
	{ "move-pages",            ALL(DONE) },
	{ "msync",                 ALL(DONE) },
	{ "msync-invalidate",      ALL(DONE) },
};
/* clang-format on */

static const struct {
	const struct row *rows;
	size_t n;
} tables[ATTACK_LOCKS] = {
	[ATTACK_LOCK_NONE] = { no_lock, ARRAY_SIZE(no_lock) },
	[ATTACK_LOCK_KERNEL] = { kernel_lock, ARRAY_SIZE(kernel_lock) },
	[ATTACK_LOCK_FILTER] = { filter_lock, ARRAY_SIZE(filter_lock) },
};

static const char *const lock_names[ATTACK_LOCKS] = {
	[ATTACK_LOCK_NONE] = "none",
	[ATTACK_LOCK_KERNEL] = "kernel",
	[ATTACK_LOCK_FILTER] = "filter",
};

static const char *const kind_names[ATTACK_KINDS] = {
	[ATTACK_ANON_RW] = "anon-rw",
	[ATTACK_ANON_RO] = "anon-ro",
	[ATTACK_FILE_RO] = "file-ro",
	[ATTACK_FILE_WRITTEN] = "file-written",
	[ATTACK_SHARED_RW] = "shared-rw",
	[ATTACK_MEMFD_RO] = "memfd-ro",
};

static bool equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return *a == *b;
}

const char *attack_expected(const char *attack, enum attack_kind kind, enum attack_lock lock)
{
	for (size_t i = 0; i < tables[lock].n; i++)
		if (equal(tables[lock].rows[i].attack, attack))
			return tables[lock].rows[i].text[kind];
	return NULL;
}

const char *attack_kind_name(enum attack_kind kind)
{
	return kind_names[kind];
}

const char *attack_lock_name(enum attack_lock lock)
{
	return lock_names[lock];
}
