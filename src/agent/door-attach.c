/* SPDX-License-Identifier: MIT */
/*
 * A program that runs already. A tracer has mapped the agent, and one thread runs it, while all
 * others stand still wherever they were: perhaps in the loader, with its lock. So no lock is taken
 * here and nothing of the program's is called that could take one.
 */
#include "agent/door.h"

#include <elf.h>
#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "agent/auxv.h"
#include "agent/hook.h"
#include "agent/libc.h"
#include "agent/loader.h"
#include "agent/pin.h"
#include "agent/report.h"
#include "agent/seal.h"
#include "agent/state.h"
#include "base/attach.h"
#include "base/span.h"
#include "base/sys.h"
#include "engine/protect.h"
#include "model/image.h"

/* Hidden: the agent's own; both are known without a relocation. */
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

void attach_run(struct attach_request *request);

void door_tell(struct message *message)
{
	struct attach_request *waiting = agent_mutable.waiting;
	size_t len = min_u64(message->len, ATTACH_TEXT_MAX - 1);

	if (!waiting || *waiting->text)
		return;
	for (size_t i = 0; i < len; i++)
		waiting->text[i] = message->text[i];
	waiting->text[len] = '\0';
}

static uint64_t dynamic_value(ElfW(Sxword) tag)
{
	for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == tag)
			return entry->d_un.d_val;
	return 0;
}

/*
 * As the loader would have done it. What has no definition here is weak, and has none. Nothing that
 * needs a relocation may be used before.
 */
static void relocate(void)
{
	const uint64_t bias = (uintptr_t)__ehdr_start;
	const ElfW(Rela) *rela = (const void *)(bias + dynamic_value(DT_RELA));
	const ElfW(Sym) *symbols = (const void *)(bias + dynamic_value(DT_SYMTAB));
	size_t count = dynamic_value(DT_RELASZ) / sizeof(*rela);

	for (size_t i = 0; i < count; i++) {
		const ElfW(Sym) *symbol = &symbols[ELF64_R_SYM(rela[i].r_info)];
		uint64_t *at = (void *)(bias + rela[i].r_offset);

		if (ELF64_R_SYM(rela[i].r_info) == 0)
			*at = bias + (uint64_t)rela[i].r_addend;
		else
			*at = symbol->st_shndx ? bias + symbol->st_value : 0;
	}
}

/* RELRO of a loader that leaves its own writable: musl's, and glibc's if no library is needed. */
static int protect_relro(uint64_t bias, const void *phdrs, unsigned count)
{
	struct image image;
	struct span relro;
	int r;

	image_init_native(&image, phdrs, (uint16_t)count);
	r = image_relro(&image, agent.page, &relro);
	if (r < 0 || relro.start == relro.end)
		return r;
	return protect_pages(bias + relro.start, span_len(relro), PROT_READ);
}

static int prepare(const struct attach_request *request)
{
	(void)auxv_read(0, NULL, NULL);
	agent.page = getauxval(AT_PAGESZ);
	if (agent.page == 0)
		return -EOPNOTSUPP;
	agent.options = request->options;
	agent.options.allow_unsealed = true; /* it runs already */
	agent.confined = report_confinement();
	loader_find();
	pin_find();
	if (!request->settled || !agent.loader.dynamic)
		return 0;
	return protect_relro(agent.loader.bias, agent.loader.phdrs, agent.loader.phnum);
}

static int seal_first(struct attach_request *request)
{
	int r = prepare(request);

	if (r < 0)
		return r;
	/* What a sandbox allows is not known: its next dlopen() would ask for what the hook does.
	 */
	if (agent.glibc && agent.confined == 0 && !agent.options.no_dlopen)
		(void)hook_install_running();
	agent.ready = true;
	return 0;
}

/* The agent was here before: its options stay. */
static int seal_again(const struct attach_request *request)
{
	const struct agent_options *wanted = &request->options, *have = &agent.options;

	return (wanted->strict && !have->strict) || (wanted->data && !have->data) ? -EALREADY : 0;
}

static int seal(struct attach_request *request)
{
	struct seal_start how = {
		.running = true,
		.settled = request->settled && loader_absent(),
		.unfiltered = request->suspended,
		.again = agent.ready,
	};
	struct images_result result;
	int r = how.again ? seal_again(request) : seal_first(request);

	if (r < 0)
		return r;
	r = seal_all(&how, &result);
	if (r != 0 && !how.again) {
		hook_protect();
		seal_nothing();
	}
	request->hooked = agent.open != NULL;
	request->sealed = result.sealed;
	request->loading = result.loading;
	return r;
}

/*
 * The tracer takes the thread from here. If there is none any more, the thread goes on by itself. A
 * wait that leaves nothing to be restarted, as a futex's would.
 */
static void wait_for_tracer(void)
{
	const long pause[2] = { ATTACH_WAIT_SECONDS, 0 };

	(void)sys_ppoll(NULL, 0, pause);
}

void attach_run(struct attach_request *request)
{
	if (!agent.ready)
		relocate();
	agent_mutable.waiting = request;
	request->result = request->size == sizeof(*request) ? seal(request) : -EINVAL;
	agent_mutable.waiting = NULL;
	__atomic_store_n(&request->done, true, __ATOMIC_SEQ_CST);
	wait_for_tracer();
}
