/* SPDX-License-Identifier: MIT */
#include "base/page.h"
#include "agent/hook.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include "agent/libc.h"
#include "agent/namespace.h"
#include "agent/pin.h"
#include "agent/seal.h"
#include "agent/state.h"
#include "base/sys.h"

/* Distance of the slots behind the one that holds _dl_mcount: sysdeps/generic/ldsodefs.h. */
enum {
	SLOT_MCOUNT,
	SLOT_LOOKUP,
	SLOT_OPEN,
	SLOT_CLOSE,
	SLOTS,
};

/*
 * In place of ld.so's _dl_open. A failing open leaves it by longjmp(3), so nothing may be held
 * across the call. RTLD_NODELETE: what is sealed must never be unloaded.
 */
static void *open_hook(const char *file, int mode, const void *caller, long namespace, int argc,
	char **argv, char **env)
{
	void *object;

	if (!agent.ready) {
		agent.proven |= file == agent.proof && (mode & RTLD_NOLOAD);
		return agent.open(file, mode, caller, namespace, argc, argv, env);
	}
	object = agent.open(file, mode | RTLD_NODELETE, caller, namespace, argc, argv, env);
	namespace_add(object);
	seal_new();
	return object;
}

/* ld.so's own addresses. */
struct loader {
	const char *name;
	uintptr_t text_start, text_end;
	uintptr_t data_end; /* of the segment that holds _rtld_global_ro */
};

static bool in_segment(const struct dl_phdr_info *info, unsigned i, uintptr_t addr)
{
	return addr - (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr) < info->dlpi_phdr[i].p_memsz;
}

static int find_loader(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct loader *loader = arg;
	bool found = false;

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + phdr->p_vaddr;

		if (phdr->p_type == PT_LOAD && (phdr->p_flags & PF_X)) {
			loader->text_start = start;
			loader->text_end = start + phdr->p_memsz;
		}
		if (phdr->p_type == PT_GNU_RELRO &&
			in_segment(info, i, (uintptr_t)_rtld_global_ro)) {
			loader->data_end = page_down(start + phdr->p_memsz, agent.page);
			loader->name = info->dlpi_name;
			found = true;
		}
	}
	return found;
}

/* Four neighbouring pointers into ld.so's text, of which the first is _dl_mcount: nothing else is.
 */
static uintptr_t *find_open_slot(const struct loader *loader)
{
	const uintptr_t *slot = _rtld_global_ro;

	for (; (uintptr_t)(slot + SLOTS) <= loader->data_end; slot++) {
		unsigned i = 0;

		if (slot[SLOT_MCOUNT] != (uintptr_t)_dl_mcount)
			continue;
		while (i < SLOTS && slot[i] >= loader->text_start && slot[i] < loader->text_end)
			i++;
		return i == SLOTS ? (uintptr_t *)(uintptr_t)(slot + SLOT_OPEN) : NULL;
	}
	return NULL;
}

static bool write_slot(uintptr_t *slot, uintptr_t value)
{
	uint64_t start = page_down((uintptr_t)slot, agent.page);

	if (sys_mprotect(start, agent.page, PROT_READ | PROT_WRITE) < 0)
		return false;
	*slot = value;
	return sys_mprotect(start, agent.page, PROT_READ) == 0;
}

/* Opens ld.so itself, which is loaded already: nothing changes, and the hook must see it. */
static bool prove(const char *loader)
{
	agent.proof = loader;
	return pin_object(loader) && agent.proven;
}

bool hook_install(void)
{
	struct loader loader = { .name = NULL };
	uintptr_t *slot;

	if (!_dl_mcount || !dl_iterate_phdr(find_loader, &loader))
		return false;
	slot = find_open_slot(&loader);
	if (!slot)
		return false;
	agent.open = (loader_open_fn *)*slot;
	if (write_slot(slot, (uintptr_t)open_hook) && prove(loader.name))
		return true;
	(void)write_slot(slot, (uintptr_t)agent.open);
	agent.open = NULL;
	return false;
}
