/* SPDX-License-Identifier: MIT */
#include "images/images.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/scratch.h"
#include "base/sys.h"
#include "engine/kernel.h"
#include "engine/own-maps.h"
#include "engine/protect.h"
#include "images/find.h"
#include "images/hold.h"
#include "images/lock.h"
#include "images/private.h"
#include "images/relro.h"
#include "images/work.h"

/* This process, and what is to be done with its images. */
struct sealing {
	const struct images_opts *opts;
	struct images_result *result;
	struct images_process process;
	struct own_maps maps;
	bool filtered; /* a seccomp filter may answer in the kernel's place */
	struct private_pages pages;
	int pages_error; /* why there is no pages, or 0 */
	struct images_found found;
	struct images_work work;
};

static const struct span nowhere = { 0, 0 };

/* To mremap(2), what a filter holds is as good as sealed; mseal(2) may still be wanted on top. */
static bool is_held(void *context, uint64_t addr)
{
	const struct sealing *sealing = context;
	int sealed = kernel_ask_sealed(addr, sealing->process.page, sealing->filtered);

	return sealing->opts->filter ? sealed > 0 : sealed == 1;
}

static int mapping_at(void *context, uint64_t addr, struct mapping *ret)
{
	const struct sealing *sealing = context;

	return own_maps_at(&sealing->maps, addr, ret);
}

/* Where what is to be asked about has a gap so large, the kernel need not look into it. */
#define FAR ((uint64_t)64 << 20)

/* The end of the images from addr on that are not far from one another. */
static uint64_t end_of_images(const struct plan *plan, uint64_t addr)
{
	uint64_t end = addr;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_extent *extent = &plan->extents[i];

		if (extent->end <= addr)
			continue;
		if (extent->start > end && extent->start - end > FAR)
			break;
		end = extent->end;
	}
	return end;
}

/* A kernel without pagemap does not tell. */
static int find_private(void *context, struct span within, struct span *ret)
{
	struct sealing *sealing = context;

	*ret = nowhere;
	if (sealing->pages_error)
		return sealing->pages_error == -ENOENT ? 0 : sealing->pages_error;
	return private_find(&sealing->pages, within,
		end_of_images(&sealing->found.plan, within.start), sealing->process.page, ret);
}

struct listing {
	images_object_fn *fn;
	void *arg;
	bool (*excepted)(const struct images_object *object);
};

static int list_one(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct images_object object = { .name = info->dlpi_name, .bias = info->dlpi_addr };
	const struct listing *listing = arg;

	(void)size;
	image_init_native(&object.image, info->dlpi_phdr, info->dlpi_phnum);
	if (listing->excepted && listing->excepted(&object))
		return 0;
	return listing->fn(&object, listing->arg);
}

static int list(void *context, images_object_fn *fn, void *arg)
{
	const struct sealing *sealing = context;
	struct listing listing = { .fn = fn, .arg = arg, .excepted = sealing->opts->excepted };

	return sealing->opts->iterate(sealing->opts->where, list_one, &listing);
}

/*
 * The program itself has no name, and [vdso] has one without a slash. A file's name may be
 * relative, as it was given to dlopen().
 */
static bool can_be_unloaded(const struct images_object *object)
{
	const char *c = object->name;

	while (c && *c && *c != '/')
		c++;
	return c && *c;
}

static int pin_images(struct sealing *sealing)
{
	if (!sealing->opts->pin)
		return 0;
	for (size_t i = 0; i < sealing->found.image_count; i++) {
		const struct images_object *object = &sealing->found.images[i].object;

		if (can_be_unloaded(object) && !sealing->opts->pin(object->name))
			return images_fail(sealing->result, -EBUSY,
				"the loader does not keep an object from being unloaded",
				(struct span){ object->bias, object->bias });
	}
	return 0;
}

static int repair_relro(struct sealing *sealing)
{
	const struct images_work *work = &sealing->work;
	size_t failed;
	int r = relro_repair(work->repairs, work->repair_count, sealing->filtered, &failed);

	if (r < 0)
		return images_fail(sealing->result, r,
			"cannot copy to anonymous memory what differs from its file",
			work->repairs[failed].span);
	return 0;
}

/* What the loader left writable; the filter sees to the rest. */
static int protect_relro(struct sealing *sealing)
{
	for (size_t i = 0; i < sealing->work.repair_count; i++) {
		struct span span = sealing->work.repairs[i].span;
		int r = protect_pages(span.start, span_len(span), PROT_READ);

		if (r < 0)
			return images_fail(sealing->result, r, "cannot make RELRO read-only", span);
	}
	return 0;
}

static int prepare_bytes(struct sealing *sealing)
{
	const struct images_work *work = &sealing->work;
	int r;

	if (!sealing->opts->strict)
		return sealing->opts->filter ? protect_relro(sealing) : repair_relro(sealing);
	r = images_content(
		work->locks, work->lock_count, work->spans, sealing->process.page, sealing->result);
	sealing->result->unlocked = r < 0;
	return r;
}

static int hold_runs(struct sealing *sealing)
{
	const struct images_work *work = &sealing->work;
	int r = images_filter(work->runs, work->run_count, work->ranges, sealing->result);

	for (size_t i = 0; r == 0 && i < work->run_count; i++)
		sealing->result->sealed += span_len(work->runs[i].span);
	return r;
}

static int seal_runs(struct sealing *sealing)
{
	for (size_t i = 0; i < sealing->work.run_count; i++) {
		const struct images_run *run = &sealing->work.runs[i];
		int r = kernel_seal_unsealed(run->start, run->end, sealing->process.page,
			sealing->filtered, &sealing->result->sealed);

		if (r < 0)
			return images_fail(sealing->result, r, "cannot seal", run->span);
	}
	return 0;
}

static int carry_out(struct sealing *sealing)
{
	int r = pin_images(sealing);

	if (r < 0)
		return r;
	r = prepare_bytes(sealing);
	if (r < 0)
		return r;
	return sealing->opts->filter ? hold_runs(sealing) : seal_runs(sealing);
}

static int open_maps(struct sealing *sealing, struct scratch *scratch)
{
	const struct plan *plan = &sealing->found.plan;
	struct images_interest interest = { .plan = plan };

	if (!sealing->opts->fresh)
		return own_maps_open(scratch, &sealing->maps);
	return own_maps_read(scratch, images_is_wanted, &interest,
		images_last(&sealing->process, plan), &sealing->maps);
}

static int find_mappings(struct sealing *sealing, struct scratch *scratch)
{
	int r = open_maps(sealing, scratch);

	if (r < 0)
		return r == -ENOSPC ? r
				    : images_fail(sealing->result, r,
					      "cannot read /proc/thread-self/maps", nowhere);
	r = images_find_mappings(&sealing->process, sealing->opts->data, scratch, &sealing->found);
	own_maps_close(&sealing->maps);
	if (r < 0 && r != -ENOSPC)
		return images_fail(sealing->result, r, "cannot ask what is mapped", nowhere);
	return r;
}

static int plan_work(struct sealing *sealing, struct scratch *scratch)
{
	const struct images_opts *opts = sealing->opts;
	const struct images_wanted wanted = {
		.filter = opts->filter,
		.settled = opts->settled,
		.strict = opts->strict,
		.data = opts->data,
		.own = opts->own,
		.more = opts->more,
		.more_count = opts->more_count,
	};
	int r;

	sealing->pages.fd = -1;
	sealing->pages_error =
		opts->strict || opts->filter ? -ENOENT : private_open(&sealing->pages);
	r = images_work_plan(&sealing->process, &wanted, &sealing->found, scratch, &sealing->work,
		sealing->result);
	private_close(&sealing->pages);
	if (r < 0 && r != -ENOSPC)
		return images_fail(
			sealing->result, r, "cannot ask what differs from its file", nowhere);
	return r;
}

/* One descriptor at a time: a program that is nearly out of them may load no more than that. */
static int seal_found(struct sealing *sealing, struct scratch *scratch)
{
	int r = find_mappings(sealing, scratch);

	if (r == 0)
		r = plan_work(sealing, scratch);
	if (r == 0)
		r = carry_out(sealing);
	return r < 0 ? r : sealing->found.error;
}

static int seal_job(struct scratch *scratch, void *arg)
{
	struct sealing sealing = *(struct sealing *)arg;
	int r = kernel_sealed_works(sealing.process.page);

	sealing.process.context = &sealing;
	sealing.filtered = kernel_filtered();
	if (r < 0)
		return images_fail(
			sealing.result, r, "cannot ask mremap(2) what is sealed", nowhere);
	r = images_look(&sealing.process, sealing.opts->all, sealing.opts->loaded, scratch,
		&sealing.found, sealing.result);
	return r == 0 && sealing.found.image_count > 0 ? seal_found(&sealing, scratch) : r;
}

int images_seal(const struct images_opts *opts, uint64_t page, struct images_result *ret)
{
	struct sealing sealing = {
		.opts = opts,
		.result = ret,
		.process = { .list = list,
			.is_sealed = is_held,
			.mapping_at = mapping_at,
			.find_private = find_private,
			.page = page,
			.vdso = getauxval(AT_SYSINFO_EHDR) },
	};
	int r;

	*ret = (struct images_result){ .sealed = 0 };
	r = scratch_run(opts->stack, seal_job, &sealing);
	if (r == -ENOMEM && !ret->failed)
		ret->failed = "out of memory";
	return r;
}

bool images_sealed(const struct dl_phdr_info *info, uint64_t page, bool filter)
{
	struct images_object object = { .name = info->dlpi_name, .bias = info->dlpi_addr };
	uint64_t first;
	int sealed;

	image_init_native(&object.image, info->dlpi_phdr, info->dlpi_phnum);
	if (!images_first_sealable(&object, page, &first))
		return false;
	sealed = kernel_sealed(first, page);
	return filter ? sealed > 0 : sealed == 1;
}
