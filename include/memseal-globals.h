/* SPDX-License-Identifier: MIT */
/*
 * memseal: global variables that are frozen after they are set up.
 *
 * Write MEMSEAL_RO_AFTER_INIT at the definition of any variable with static storage, and call
 * memseal_globals_freeze() when the last one is written:
 *
 *	static MEMSEAL_RO_AFTER_INIT struct config config;
 *	MEMSEAL_RO_AFTER_INIT int (*handlers[3])(int) = { first, second };
 *
 * Any type, alignment and linkage; also static variables in functions, and C++ objects unless
 * something writes to them when they are destroyed. These cannot be marked: const variables, which
 * are in read-only memory already, local and thread-local variables. Usually that is an error of
 * the compiler or the linker ("section type conflict"); but gold and mold may accept a thread-local
 * variable, and do not freeze it. Put the mark at the definition: compilers ignore it at a
 * declaration, with a warning. gcc cannot have a marked variable in an inline function beside
 * others in the same file. Of templates, g++ ignores the mark without a warning (static members of
 * class templates, variable templates, static variables of function templates): ask
 * memseal_globals_marked() about each, in an assertion.
 *
 * The marked variables have pages of their own. Each program and each shared library has its own
 * variables, and freezes its own. No linker script is needed with GNU ld, gold, lld and mold, with
 * link-time optimization and --gc-sections.
 */
#ifndef MEMSEAL_GLOBALS_H
#define MEMSEAL_GLOBALS_H

#include <memseal.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MEMSEAL_RO_AFTER_INIT __attribute__((section("memseal_ro_after_init"), used))

/*
 * Freezes the marked variables of the calling program or shared library for ever: see "Frozen
 * memory" in <memseal.h>. Other threads may read them meanwhile, and see the same bytes at all
 * times; a thread that writes to them is killed by SIGSEGV. A second call returns 0, and so does a
 * call in an image without marked variables. It may come before or after memseal_self(), which
 * leaves these variables alone. A library that has frozen its variables must stay loaded:
 * dlclose(3) cannot unmap it and would leak its memory.
 *
 * On failure the variables are as they were before, except with -ENOTRECOVERABLE.
 *
 * -ENOEXEC     the variables do not have pages of their own, because of a linker script or of an
 *              object that uses their section without this header
 * -ENOTUNIQ    a shared library exports one of them, so that another image may use a copy, or one
 *              of its own with the same name: make it static or hidden
 * -EPERM       something else has sealed them; or it is a second call and /proc is not mounted; or
 *              a seccomp filter or a security module refuses a call
 * -EINVAL      memseal_globals_freeze_in(): the addresses are not in ascending order, or start is
 *              NULL
 * -EOPNOTSUPP  no engine can hold them: the kernel has no mseal(2), or a filter refuses it, and the
 *              program has not called memseal_filter_allow(); memfds with seals do not work; or a
 *              seccomp filter answered in the kernel's place
 * -ENOENT      /proc is not mounted, which kernels before Linux 6.7 need, and the filter engine
 * -EFBIG       they are larger than RLIMIT_FSIZE, which applies to memfds too
 * -EACCES      a security module refuses files in memory, or /proc/self/maps may not be read
 * -ESRCH       a thread has a seccomp filter of its own, so that none can be installed for all
 * -EBUSY       an io_uring is open where a filter is needed, or something has opened the memfd
 * -EFAULT      a page of them cannot be read: it was made a guard page
 * -ENOTRECOVERABLE  they are frozen and a filter holds them, but an io_uring that was opened
 *              meanwhile may install guard pages in them or keep them from child processes; or the
 *              freeze failed and the memory could not be restored: do not use them any more
 * -EAGAIN      the process locks all its memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * -ENOMEM, -ENOSPC  not enough memory or address space for the copy, or vm.max_map_count
 * -EMFILE, -ENFILE  no free file descriptor
 * -EIO, -EBADMSG    /proc/self/maps could not be read where a filter is needed
 */
static inline int memseal_globals_freeze(void) MEMSEAL_ATTR_CHECK;

/*
 * Is this one of the marked variables of the calling program or shared library, which
 * memseal_globals_freeze() freezes? Not one if the compiler has ignored the mark, as g++ does in
 * templates: then the variable stays writable.
 *
 *	assert(memseal_globals_marked(&cache<int>::limit));
 */
static inline bool memseal_globals_marked(const void *variable) MEMSEAL_ATTR_CHECK;

/*
 * What memseal_globals_freeze() calls, for other languages: the first address of the section
 * memseal_ro_after_init and the first one after it, and those of memseal_ro_after_init_end, which
 * must follow immediately and reach to the end of the page. Errors: those of
 * memseal_globals_freeze().
 */
int memseal_globals_freeze_in(void *start, void *end, void *pad, void *pad_end) MEMSEAL_ATTR_CHECK;

/*
 * How it works; nothing below is for programs to use.
 *
 * Linkers place sections that they do not know one after the other, in the order in which they meet
 * them. So each object that includes this header begins with two empty ones: that of the variables,
 * and that of the padding, which fills the last page. They are kept ("R") where sections without
 * references are dropped.
 *
 * The function adds a byte that aligns the first section to a page, and the padding. They are in a
 * section group (COMDAT), of which linkers keep one for the whole image, whatever number of files
 * calls the function; ".ifndef" serves calls that end up in one assembly. Whether all of this came
 * out right is checked when the variables are frozen.
 */
#if defined(__x86_64__) || defined(__i386__) || defined(__riscv)
#define MEMSEAL_LARGEST_PAGE "4096"
#else
#define MEMSEAL_LARGEST_PAGE "65536"
#endif

#define MEMSEAL_SECTION_FLAGS "\"aw\",%progbits"
#ifdef __has_attribute
#if __has_attribute(retain)
#undef MEMSEAL_SECTION_FLAGS
#ifdef __clang__ /* which does not tell sections of one name apart by these flags */
#define MEMSEAL_SECTION_FLAGS "\"awR\",%progbits,unique,1"
#else
#define MEMSEAL_SECTION_FLAGS "\"awR\",%progbits"
#endif
#endif
#endif
__asm__(".pushsection memseal_ro_after_init," MEMSEAL_SECTION_FLAGS "\n\t"
	".popsection\n\t"
	".pushsection memseal_ro_after_init_end," MEMSEAL_SECTION_FLAGS "\n\t"
	".popsection");
#undef MEMSEAL_SECTION_FLAGS

/* clang-format off */
#define MEMSEAL_GROUP(section, symbol, content)                                        \
	".pushsection " section ",\"awG\",%progbits,memseal_globals_group,comdat\n\t"  \
	".weak " symbol "\n\t"                                                         \
	".hidden " symbol "\n\t"                                                       \
	".type " symbol ",%object\n\t"                                                 \
	content "\n\t"                                                                 \
	".size " symbol ", . - " symbol "\n\t"                                         \
	".popsection\n\t"
#define MEMSEAL_PADDING                                                                \
	".ifndef memseal_globals_pad\n\t"                                              \
	MEMSEAL_GROUP("memseal_ro_after_init", "memseal_globals_first",                \
		".balign " MEMSEAL_LARGEST_PAGE "\n"                                   \
		"memseal_globals_first: .byte 0")                                      \
	MEMSEAL_GROUP("memseal_ro_after_init_end", "memseal_globals_pad",              \
		"memseal_globals_pad: .zero " MEMSEAL_LARGEST_PAGE)                    \
	".endif"
/* clang-format on */

/* Defined by MEMSEAL_PADDING, and by the linker. */
extern char memseal_globals_first[] __attribute__((visibility("hidden")));
extern char memseal_globals_pad[] __attribute__((visibility("hidden")));
extern char __start_memseal_ro_after_init[] __attribute__((visibility("hidden")));
extern char __stop_memseal_ro_after_init[] __attribute__((visibility("hidden")));
extern char __start_memseal_ro_after_init_end[] __attribute__((visibility("hidden")));
extern char __stop_memseal_ro_after_init_end[] __attribute__((visibility("hidden")));

static inline int memseal_globals_freeze(void)
{
	/* By it, compilers know that the section is writable, and refuse const variables there. */
	static char writable __attribute__((section("memseal_ro_after_init")));

	__asm__ volatile(MEMSEAL_PADDING);
	__asm__ volatile("" : : "r"(&writable));
	__asm__ volatile("" : : "r"(memseal_globals_first), "r"(memseal_globals_pad)); /* keep */
	return memseal_globals_freeze_in(__start_memseal_ro_after_init,
		__stop_memseal_ro_after_init, __start_memseal_ro_after_init_end,
		__stop_memseal_ro_after_init_end);
}

static inline bool memseal_globals_marked(const void *variable)
{
	/* By it, compilers know that the section is writable, and refuse const variables there. */
	static char writable __attribute__((section("memseal_ro_after_init")));

	__asm__ volatile(MEMSEAL_PADDING);
	__asm__ volatile("" : : "r"(&writable));
	__asm__ volatile("" : : "r"(memseal_globals_first), "r"(memseal_globals_pad)); /* keep */
	return (uintptr_t)variable >= (uintptr_t)__start_memseal_ro_after_init &&
	       (uintptr_t)variable < (uintptr_t)__stop_memseal_ro_after_init;
}

#ifdef __cplusplus
}
#endif

#endif
