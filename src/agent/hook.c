/* SPDX-License-Identifier: MIT */
#include "agent/hook.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include "agent/libc.h"
#include "agent/loader.h"
#include "agent/pin.h"
#include "agent/seal.h"
#include "agent/state.h"
#include "base/page.h"
#include "base/span.h"
#include "base/sys.h"
#include "engine/protect.h"

/* Distance of the slots behind the one that holds _dl_mcount: sysdeps/generic/ldsodefs.h. */
enum {
	SLOT_MCOUNT,
	SLOT_LOOKUP,
	SLOT_OPEN,
	SLOT_CLOSE,
	SLOTS,
};

#define BASE_NAMESPACE 0    /* LM_ID_BASE, which musl has not */
#define NEW_NAMESPACE  (-1) /* LM_ID_NEWLM: a search alone would use up one of the 15 */

/* An open of another thread that fails meanwhile takes objects out of the list: look again. */
#define HOOK_TRIES 100

/* The program's name in the loader's list. Told by its address, which no caller of dlopen() has. */
static const char program_name[] = "";

/*
 * Opening the program, which is loaded already, waits for the loader's lock: an open of another
 * thread that was at work when this was called is done when it returns, or has failed and left
 * nothing.
 */
static void wait_for_others(const void *caller, int argc, char **argv, char **env)
{
	(void)agent.open(
		program_name, RTLD_LAZY | RTLD_NOLOAD, caller, BASE_NAMESPACE, argc, argv, env);
}

/*
 * In place of ld.so's _dl_open. A failing open leaves it by longjmp(3), so nothing may be held
 * across the call. RTLD_NODELETE: what is sealed must never be unloaded.
 */
static void *open_hook(const char *file, int mode, const void *caller, long namespace, int argc,
	char **argv, char **env)
{
	struct loader_limit limit;
	void *object = NULL;
	bool loaded;

	if (!agent.ready)
		agent.proven |= file == program_name && (mode & RTLD_NOLOAD);
	if (!agent.ready || mode & RTLD_NOLOAD) /* loads nothing */
		return agent.open(file, mode, caller, namespace, argc, argv, env);
	mode |= RTLD_NODELETE;
	if (namespace != NEW_NAMESPACE)
		object = agent.open(file, mode | RTLD_NOLOAD, caller, namespace, argc, argv, env);
	loaded = !object;
	if (loaded)
		object = agent.open(file, mode, caller, namespace, argc, argv, env);
	loader_add_namespace(object);
	/*
	 * Nothing is new. Not only quicker: a child that is forked while this thread has the lock
	 * of the loader's list can open nothing. Whether something was loaded only the loader can
	 * tell: an object that seals its own first page while it is initialised looks done.
	 */
	if (!loaded && seal_is_done(object))
		return object;
	for (int tries = 0; tries < HOOK_TRIES; tries++) {
		bool limited = loader_limit_read(&limit);

		if (limited)
			wait_for_others(caller, argc, argv, env);
		if (seal_new(loaded ? object : NULL, limited ? &limit : NULL,
			    tries + 1 == HOOK_TRIES))
			break;
	}
	return object;
}

/* ld.so's own addresses. */
struct loader {
	struct span text;
	struct span data; /* its RELRO, which holds _rtld_global_ro, in whole pages */
};

static bool find_segments(const uintptr_t *data, struct loader *ret)
{
	bool found = false;

	for (unsigned i = 0; i < agent.loader.phnum; i++) {
		const ElfW(Phdr) *phdr = &agent.loader.phdrs[i];
		uint64_t start = agent.loader.bias + phdr->p_vaddr;
		struct span span = { start, start + phdr->p_memsz };

		if (phdr->p_type == PT_LOAD && (phdr->p_flags & PF_X))
			ret->text = span;
		if (phdr->p_type == PT_GNU_RELRO && span_holds(span, (uintptr_t)data)) {
			ret->data.start = page_down(span.start, agent.page);
			ret->data.end = page_down(span.end, agent.page);
			found = true;
		}
	}
	return found;
}

/* Four neighbouring pointers into ld.so's text, of which the first is _dl_mcount: nothing else is.
 */
static uintptr_t *find_open_slot(uintptr_t *slot, uintptr_t mcount, const struct loader *loader)
{
	for (; (uintptr_t)(slot + SLOTS) <= loader->data.end; slot++) {
		unsigned i = 0;

		if (slot[SLOT_MCOUNT] != mcount)
			continue;
		while (i < SLOTS && span_holds(loader->text, slot[i]))
			i++;
		return i == SLOTS ? slot + SLOT_OPEN : NULL;
	}
	return NULL;
}

/* All of its mapping, which then need not be split. */
static int protect_data(const struct loader *loader, int prot)
{
	return protect_pages(loader->data.start, span_len(loader->data), prot);
}

/*
 * Opens the program, which is loaded already: nothing changes, and the hook must see it. Of any
 * other object the loader would have to find out what it depends on, and allocate memory for it.
 */
static bool prove(void)
{
	return pin_object(program_name) && agent.proven;
}

/* Where the pointer is, or NULL. */
static uintptr_t *find_slot(struct loader *ret)
{
	uintptr_t *data = loader_symbol("_rtld_global_ro");
	void *mcount = loader_symbol("_dl_mcount");

	if (!data || !mcount || !find_segments(data, ret))
		return NULL;
	return find_open_slot(data, (uintptr_t)mcount, ret);
}

bool hook_install(void)
{
	struct loader loader = { .text = { 0, 0 } };
	uintptr_t *slot = find_slot(&loader);

	if (!slot || protect_data(&loader, PROT_READ | PROT_WRITE) < 0)
		return false;
	agent.open = (loader_open_fn *)*slot;
	*slot = (uintptr_t)open_hook;
	if (prove())
		return true;
	*slot = (uintptr_t)agent.open;
	agent.open = NULL;
	(void)protect_data(&loader, PROT_READ);
	return false;
}

void hook_protect(void)
{
	struct loader loader = { .text = { 0, 0 } };

	if (agent.open && find_segments(loader_symbol("_rtld_global_ro"), &loader))
		(void)protect_data(&loader, PROT_READ);
}

/* In place of ld.so's _dl_close: nothing is unloaded any more. */
static void close_hook(void *map)
{
	(void)map;
}

/*
 * The order of the slots in elf/ and sysdeps/generic/ldsodefs.h of these versions, of which 2.36,
 * 2.41 and 2.43 were tried.
 */
#define GLIBC_OLDEST 31
#define GLIBC_NEWEST 43

static bool is_known_glibc(void)
{
	const char *(*tell)(void) = (const char *(*)(void))loader_libc("gnu_get_libc_version");
	const char *version = tell ? tell() : "";
	unsigned minor = 0;

	if (version[0] != '2' || version[1] != '.')
		return false;
	for (version += 2; *version >= '0' && *version <= '9' && minor < 1000; version++)
		minor = minor * 10 + (unsigned)(*version - '0');
	return *version == '\0' && minor >= GLIBC_OLDEST && minor <= GLIBC_NEWEST;
}

bool hook_install_running(void)
{
	struct loader loader = { .text = { 0, 0 } };
	uintptr_t *slot = find_slot(&loader);

	if (!slot || !is_known_glibc() || protect_data(&loader, PROT_READ | PROT_WRITE) < 0)
		return false;
	agent.open = (loader_open_fn *)*slot;
	slot[SLOT_CLOSE - SLOT_OPEN] = (uintptr_t)close_hook;
	*slot = (uintptr_t)open_hook;
	/* If it stays writable, it is not sealed, and that is told. */
	(void)!protect_data(&loader, PROT_READ);
	return true;
}
