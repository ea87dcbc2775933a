/* SPDX-License-Identifier: MIT */
/* Mapping something else over it. */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "attack/family.h"

int attack_map_fixed(const struct attack_target *target, int arg)
{
	struct attack_span span = attack_span_of(target, arg);

	return attack_answer(sys_mmap(span.addr, span.len, PROT_READ | PROT_WRITE,
		MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

int attack_shmat(const struct attack_target *target, int arg)
{
	struct attack_span span = attack_span_of(target, arg);
	int id = sys_shmget(IPC_PRIVATE, span.len, 0600);
	long ret;

	if (id < 0)
		return attack_untried(id);
	ret = sys_shmat(id, span.addr, SHM_REMAP);
	(void)sys_shmctl(id, IPC_RMID, NULL);
	return attack_answer(ret);
}

/* The last page of the file in the place of the watched one, in a shared mapping. */
int attack_remap_file_pages(const struct attack_target *target, int arg)
{
	struct attack_span span = attack_span_of(target, arg);

	return sys_remap_file_pages(span.addr, span.len, target->len / target->page - 1);
}
