/* SPDX-License-Identifier: MIT */
/*
 * Objects in namespaces of their own: dlmopen(3). dl_iterate_phdr(3) lists those of its caller's
 * namespace only, so the agent follows the loader's public list, struct link_map, itself. glibc
 * alone has them; opened through the hook, they are never unloaded.
 */
#ifndef MEMSEAL_AGENT_NAMESPACE_H
#define MEMSEAL_AGENT_NAMESPACE_H

#include <link.h>

/* glibc has no more: DL_NNS. The first is the program's. */
#define NAMESPACES_MAX 16

/* Keeps in mind the namespace of an object that was just opened, unless it is the program's. */
void namespace_add(const struct link_map *object);

/* The first object of the nth namespace that was added, or NULL. */
const struct link_map *namespace_get(unsigned n);

/* Like dl_iterate_phdr(3), for the objects of a namespace; where is what namespace_get() gave. */
int namespace_iterate(
	const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg);

#endif
