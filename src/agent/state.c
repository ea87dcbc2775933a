/* SPDX-License-Identifier: MIT */
#include "agent/state.h"

#include "base/page.h"

/* In the file, both of them: .bss would be a mapping more. */
struct agent_state agent __attribute__((section(".data")));
struct agent_mutable agent_mutable __attribute__((section(".mutable"), aligned(AGENT_PAGE_MAX)));

/* Where the agent begins; from the linker. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* What begins a page is the last that is writable: the linker puts sections it does not know there.
 */
struct span agent_pages(void)
{
	const uintptr_t start = (uintptr_t)&__ehdr_start;
	const ElfW(Phdr) *phdr = (const void *)(start + __ehdr_start.e_phoff);

	while (phdr->p_type != PT_LOAD || !(phdr->p_flags & PF_W))
		phdr++;
	return (struct span){ page_down(start + phdr->p_vaddr, agent.page),
		(uintptr_t)&agent_mutable };
}
