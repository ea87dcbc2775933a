/* SPDX-License-Identifier: MIT */
/*
 * The dynamic loader's own data and functions, found in its file as it is mapped and in its list of
 * objects, so that no definition of the program or of another preloaded library comes between, and
 * no C library is needed.
 */
#ifndef MEMSEAL_AGENT_LOADER_H
#define MEMSEAL_AGENT_LOADER_H

#include <link.h>

#include "images/images.h"

/* Notes in the agent's state where the loader is and what it is. Once, after auxv_read(). */
void loader_find(void);

/* What the loader itself exports by that name, or NULL. */
void *loader_symbol(const char *name) NONNULL(1);

/*
 * The first definition behind the agent in the program's order of search, as RTLD_NEXT would find
 * it from there; or NULL. May be called before loader_find().
 */
void *loader_next(const char *name) NONNULL(1);

/* What the C library itself exports by that name, or NULL. After loader_find(). */
void *loader_libc(const char *name) NONNULL(1);

/*
 * Pages that hold the loader's list of the objects that were loaded at the start, and that are no
 * part of the loader's own image: glibc takes them from the kernel before there is a malloc(3), and
 * never gives them back. In ascending order and disjoint; how many. Not if dlopen(3) was called.
 */
size_t loader_list_pages(struct images_run *ret, size_t room) NONNULL(1);

/* What dl_iterate_phdr(3) would say of an object that is open; without headers if there are none.
 */
void loader_describe(const struct link_map *map, struct dl_phdr_info *ret) NONNULL(1, 2);

/* Is there an object in the program's own namespace whose file has that name? */
bool loader_lists(const char *file) MUST_CHECK NONNULL(1);

/* The first object of the list is the program: its bias. */
uint64_t loader_program_bias(void);

/*
 * Lists every object of every namespace, as dl_iterate_phdr(3) does those of one. Where there is a
 * C library, under the loader's lock: no object comes or goes meanwhile. An object whose headers
 * cannot be found is listed without any. where: a struct loader_limit, or NULL.
 */
int loader_list(const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg);

/*
 * The same while all other threads stand still, perhaps with the loader's lock, which is not taken.
 * Of a static program, which has no loader, the program. With the agent, which the loader does not
 * know.
 */
int loader_list_stopped(
	const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg);

/* Is the program static? */
bool loader_absent(void) MUST_CHECK;

#define LOADER_NAMESPACES_MAX 17

/* How long the lists were, and how many objects had been unloaded. */
struct loader_limit {
	unsigned long long removed;
	unsigned counts[LOADER_NAMESPACES_MAX];
};

/* The lists as they are now. False: it cannot be known here (no C library, or not glibc's). */
bool loader_limit_read(struct loader_limit *ret) MUST_CHECK NONNULL(1);

/*
 * The namespace of an object that was just opened, which glibc before 2.35 does not list. Any
 * thread.
 */
void loader_add_namespace(const struct link_map *object);

#endif
