/* SPDX-License-Identifier: MIT */
#include "process/executable.h"

bool written_elsewhere(const struct memseal_process *process, const struct mapping *mapping)
{
	return mapping->shared && mapping->inode && file_set_has(&process->written, mapping);
}

/* Executable memory that is part of no image. */
static enum exec_open outside(const struct memseal_process *process, const struct mapping *mapping)
{
	switch (mapping->kind) {
	case MAPPING_ANON:
	case MAPPING_MEMFD:
	case MAPPING_SHM:
		return EXEC_GENERATED;
	case MAPPING_HEAP:
		return EXEC_HEAP;
	case MAPPING_STACK:
		return EXEC_STACK;
	case MAPPING_VSYSCALL: /* the kernel's own page: no call changes it */
		return EXEC_HELD;
	case MAPPING_FILE:
		return file_set_has(&process->image_files, mapping) ? EXEC_TWICE : EXEC_UNKNOWN;
	default:
		return EXEC_UNKNOWN;
	}
}

enum exec_open exec_open_of(
	const struct memseal_process *process, const struct mapping *mapping, enum plan_role role)
{
	if (!(mapping->prot & MAPPING_EXEC))
		return EXEC_HELD;
	if (role == PLAN_NO_ROLE)
		return outside(process, mapping);
	if (mapping->prot & MAPPING_WRITE)
		return EXEC_WRITABLE;
	if (written_elsewhere(process, mapping))
		return EXEC_ALIAS;
	if (mapping->sealed)
		return EXEC_HELD;
	return plan_role_sealable(role) ? EXEC_UNSEALED : EXEC_DATA;
}

const char *exec_open_text(enum exec_open why)
{
	static const char *const texts[] = {
		[EXEC_GENERATED] = "generated code (JIT)",
		[EXEC_TWICE] = "code of an image, mapped a second time",
		[EXEC_HEAP] = "executable heap",
		[EXEC_STACK] = "executable stack",
		[EXEC_DATA] = "executable data of an image",
		[EXEC_WRITABLE] = "writable and executable",
		[EXEC_ALIAS] = "can be written through another mapping",
		[EXEC_UNKNOWN] = "executable, and no image explains it",
	};

	return texts[why];
}
