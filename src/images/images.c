/* SPDX-License-Identifier: MIT */
#include "base/uapi.h"
#include "base/page.h"
#include "images/images.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "images/lock.h"
#include "images/hold.h"
#include "engine/kernel.h"
#include "engine/own-maps.h"
#include "images/relro.h"
#include "base/scratch.h"
#include "model/image.h"
#include "model/plan.h"

/* Newer than some C libraries. */
/* An image that may have something to seal. */
struct own_image {
	const char *name;
	uint64_t bias;
	struct image image;
	bool in_loading; /* by another thread: leave it */
};

struct job {
	const struct images_opts *opts;
	struct images_result *result;
	uint64_t page;
	struct scratch *scratch;

	size_t listed; /* objects of the loader's list, seen so far */
	struct own_image *images;
	size_t image_count, image_room;
	struct plan plan;
	struct own_maps maps;
	struct mapping *mappings; /* that hold a part of an image, and the kernel's */
	size_t mapping_count, mapping_room;
	struct span *repairs;
	size_t repair_count;
	struct images_piece *locks; /* of bytes, with opts->strict */
	size_t lock_count;
	struct content_span *spans; /* as many, for those */
	struct images_run *runs;
	size_t run_count;
	struct bpf_range *ranges; /* as many, for the filter */
};

static int fail(struct job *job, int error, const char *what, uint64_t start, uint64_t end)
{
	job->result->failed = what;
	job->result->start = start;
	job->result->end = end;
	return error;
}

/* The first page of an image that a seal would hold. */
static bool first_sealable(const struct own_image *own, uint64_t page, uint64_t *ret)
{
	struct image_segment segment;

	for (unsigned i = 0; i < own->image.phnum; i++) {
		if (image_segment(&own->image, i, &segment) < 0)
			return false;
		if (segment.type == PT_LOAD && !(segment.prot & MAPPING_WRITE)) {
			*ret = page_down(own->bias + segment.vaddr, page);
			return true;
		}
	}
	return false;
}

/* To mremap(2), what a filter holds is as good as sealed; mseal(2) may still be wanted on top. */
static bool is_held(const struct job *job, uint64_t addr)
{
	int sealed = kernel_sealed(addr, job->page);

	return job->opts->filter ? sealed > 0 : sealed == 1;
}

/*
 * Was the image sealed when it was loaded? A quick look for the agent, which asks at every load. It
 * does not find what an earlier failure left open.
 */
static bool looks_sealed(const struct job *job, const struct own_image *own)
{
	uint64_t first;

	return first_sealable(own, job->page, &first) && is_held(job, first);
}

/*
 * The loader adds at the end of its list. Where it took something out since the last time, which
 * only a failed dlopen() in another thread can make it do, the count is worth nothing.
 */
static bool is_done(struct job *job, const struct dl_phdr_info *info)
{
	struct images_progress *progress = job->opts->progress;

	job->listed++;
	if (!progress)
		return false;
	if (progress->unloaded != info->dlpi_subs)
		*progress = (struct images_progress){ .unloaded = info->dlpi_subs,
			.filtered = progress->filtered };
	return job->listed <= progress->done;
}

/* For dl_iterate_phdr(): counts images to be looked at, and keeps those there is room for. */
static int collect_image(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct job *job = arg;
	struct own_image own = { .name = info->dlpi_name, .bias = info->dlpi_addr };

	(void)size;
	if (is_done(job, info))
		return 0;
	image_init_native(&own.image, info->dlpi_phdr, info->dlpi_phnum);
	if (!job->opts->settled && looks_sealed(job, &own))
		return 0;
	if (job->image_count < job->image_room)
		job->images[job->image_count] = own;
	job->image_count++;
	return 0;
}

static int collect_images(struct job *job)
{
	size_t room;

	job->images = scratch_rest(job->scratch, &room);
	job->image_room = room / sizeof(*job->images);
	if (job->opts->iterate)
		job->opts->iterate(job->opts->where, collect_image, job);
	else
		dl_iterate_phdr(collect_image, job);
	if (!scratch_alloc(job->scratch, job->image_count * sizeof(*job->images)))
		return -ENOSPC;
	return 0;
}

/*
 * The program itself has no name, and [vdso] has one without a slash. A file's name may be
 * relative, as it was given to dlopen().
 */
static bool can_be_unloaded(const struct own_image *own)
{
	const char *c = own->name;

	while (c && *c && *c != '/')
		c++;
	return c && *c;
}

static int pin_images(struct job *job)
{
	if (!job->opts->pin)
		return 0;
	for (size_t i = 0; i < job->image_count; i++) {
		const struct own_image *own = &job->images[i];

		if (can_be_unloaded(own) && !job->opts->pin(own->name))
			return fail(job, -EBUSY,
				"the loader does not keep an object from being unloaded", own->bias,
				own->bias);
	}
	return 0;
}

static int plan_images(struct job *job)
{
	size_t room = 0;

	for (size_t i = 0; i < job->image_count; i++)
		room += plan_extents_max(job->images[i].image.phnum);
	job->plan.page = job->page;
	job->plan.capacity = room;
	job->plan.extents = scratch_alloc(job->scratch, room * sizeof(*job->plan.extents));
	if (!job->plan.extents)
		return -ENOSPC;
	for (size_t i = 0; i < job->image_count; i++) {
		const struct own_image *own = &job->images[i];
		int r = plan_add_image(&job->plan, &own->image, own->bias, (unsigned)i);

		if (r < 0)
			return fail(job, r, "damaged program headers", own->bias, own->bias);
	}
	plan_sort(&job->plan);
	return 0;
}

static int add_mapping(struct job *job, const struct mapping *mapping)
{
	if (job->mapping_count == job->mapping_room)
		return -ENOSPC;
	job->mappings[job->mapping_count++] = *mapping;
	return 0;
}

static bool is_system_mapping(const struct mapping *mapping)
{
	return mapping->kind == MAPPING_VDSO || mapping->kind == MAPPING_VVAR;
}

static int collect_image_mappings(struct job *job)
{
	struct mapping mapping;
	uint64_t at = 0;
	int r;

	for (size_t i = 0; i < job->plan.count; i++) {
		const struct plan_extent *extent = &job->plan.extents[i];

		for (at = max_u64(at, extent->start); at < extent->end; at = mapping.end) {
			r = own_maps_at(&job->maps, at, &mapping);
			if (r < 0)
				return r;
			if (r == 0 || mapping.start >= extent->end)
				break;
			if (is_system_mapping(&mapping)) /* musl's loader does not list [vdso] */
				continue;
			r = add_mapping(job, &mapping);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* [vdso] is where the kernel said; [vvar] and [vvar_vclock] end where it starts. */
static int collect_system_mappings(struct job *job)
{
	uint64_t at = getauxval(AT_SYSINFO_EHDR);
	struct mapping mapping;
	int r = 0;

	while (at && r == 0) {
		r = own_maps_at(&job->maps, at, &mapping);
		if (r <= 0 || mapping.start > at || !is_system_mapping(&mapping))
			break;
		r = add_mapping(job, &mapping);
		at = mapping.start - 1;
	}
	return r < 0 ? r : 0;
}

static int collect_mappings(struct job *job)
{
	size_t room;
	int r;

	job->mappings = scratch_rest(job->scratch, &room);
	job->mapping_room = room / sizeof(*job->mappings);
	r = collect_image_mappings(job);
	if (r == 0)
		r = collect_system_mappings(job);
	if (r < 0)
		return r;
	room = job->mapping_count * sizeof(*job->mappings);
	return scratch_alloc(job->scratch, room) ? 0 : -ENOSPC;
}

/* Calls fn for each piece of each mapping. */
static void each_piece(struct job *job,
	void (*fn)(struct job *, const struct mapping *, const struct plan_piece *))
{
	for (size_t i = 0; i < job->mapping_count; i++) {
		const struct mapping *mapping = &job->mappings[i];
		struct plan_piece piece = { .end = mapping->start };

		while (plan_next_piece(&job->plan, mapping, piece.end, &piece))
			fn(job, mapping, &piece);
	}
}

/*
 * The loader makes RELRO read-only when it has relocated an object. One whose RELRO is writable is
 * being loaded by another thread just now.
 */
static void note_loading(
	struct job *job, const struct mapping *mapping, const struct plan_piece *piece)
{
	(void)mapping;
	if (piece->role == PLAN_RELRO && piece->why == PLAN_WRITABLE)
		job->images[piece->image].in_loading = true;
}

static bool is_own(const struct job *job, const struct plan_piece *piece)
{
	return span_overlaps(piece->span, job->opts->own.span);
}

static bool is_data(const struct plan_piece *piece)
{
	return piece->role == PLAN_DATA || piece->role == PLAN_BSS;
}

static bool to_be_sealed(
	const struct job *job, const struct mapping *mapping, const struct plan_piece *piece)
{
	if (is_system_mapping(mapping))
		return !is_held(job, mapping->start);
	if (piece->role == PLAN_NO_ROLE || job->images[piece->image].in_loading)
		return false;
	if (is_data(piece))
		return job->opts->data && !is_own(job, piece) && !is_held(job, piece->start);
	if (piece->why == PLAN_WRITABLE && piece->role != PLAN_RELRO)
		return false;
	return !is_held(job, piece->start);
}

/* Adjacent pieces become one run; nothing in a run is sealed yet (see kernel_seal()). */
static void add_run(struct job *job, struct images_run run)
{
	struct images_run *last = job->run_count ? &job->runs[job->run_count - 1] : NULL;

	if (last && last->end == run.start && last->data == run.data)
		last->end = run.end;
	else
		job->runs[job->run_count++] = run;
}

/* What the loader of arm64 adds to the protection of code, and the kernel to that of [vdso]. */
static int guard_of(const struct own_image *own, bool vdso)
{
#if defined(__aarch64__)
	struct image_segment notes;

	if (image_find(&own->image, vdso ? PT_NOTE : PT_GNU_PROPERTY, &notes) == 0 &&
		image_note_bti(&own->image, (const void *)(uintptr_t)(own->bias + notes.vaddr),
			notes.filesz))
		return PROT_BTI;
#endif
	(void)own;
	(void)vdso;
	return 0;
}

/* What is relocated is not the file's; nor is [vdso], which the kernel lets debuggers write to. */
static void add_lock(struct job *job, const struct mapping *mapping, const struct plan_piece *piece)
{
	const struct own_image *own =
		piece->role == PLAN_NO_ROLE ? NULL : &job->images[piece->image];
	bool vdso = mapping->kind == MAPPING_VDSO, relro = piece->role == PLAN_RELRO;
	int prot = relro ? PROT_READ : (int)mapping->prot;

	if (is_data(piece) || mapping->kind == MAPPING_VVAR)
		return;
	if (own && prot & PROT_EXEC)
		prot |= guard_of(own, vdso);
	job->locks[job->lock_count++] = (struct images_piece){
		.start = piece->start,
		.end = piece->end,
		.prot = prot,
		.file = relro || vdso ? NULL : mapping,
		.name = vdso ? "[vdso]" : own->name,
	};
}

static void add_repair(
	struct job *job, const struct mapping *mapping, const struct plan_piece *piece)
{
	bool discardable = !job->opts->filter && (mapping->inode != 0 || mapping->shared);

	if (piece->role == PLAN_RELRO && (discardable || piece->why == PLAN_WRITABLE))
		job->repairs[job->repair_count++] =
			(struct span){ .start = piece->start, .end = piece->end };
}

static void add_piece(
	struct job *job, const struct mapping *mapping, const struct plan_piece *piece)
{
	struct images_run run = {
		.start = piece->start, .end = piece->end, .data = is_data(piece)
	};

	if (!to_be_sealed(job, mapping, piece))
		return;
	if (job->opts->strict)
		add_lock(job, mapping, piece);
	else
		add_repair(job, mapping, piece);
	add_run(job, run);
}

/* The caller's own memory: read-only, and private to this process. */
static void add_own(struct job *job)
{
	const struct images_run *own = &job->opts->own;

	if (!own->end)
		return;
	if (job->opts->strict)
		job->locks[job->lock_count++] = (struct images_piece){ .start = own->start,
			.end = own->end,
			.prot = PROT_READ,
			.name = "libmemseal-agent.so" };
	add_run(job, *own);
}

/* Pieces are at most as many as mappings and two for each extent; and there is the caller's own. */
static int alloc_lists(struct job *job)
{
	size_t most = job->mapping_count + 2 * job->plan.count + 1;

	job->runs = scratch_alloc(job->scratch, most * sizeof(*job->runs));
	job->repairs = scratch_alloc(job->scratch, most * sizeof(*job->repairs));
	job->ranges = scratch_alloc(job->scratch, most * sizeof(*job->ranges));
	job->locks = scratch_alloc(job->scratch, most * sizeof(*job->locks));
	job->spans = scratch_alloc(job->scratch, most * sizeof(*job->spans));
	return job->runs && job->repairs && job->ranges && job->locks && job->spans ? 0 : -ENOSPC;
}

static int repair_relro(struct job *job)
{
	size_t failed;
	int r = relro_repair(job->repairs, job->repair_count, &failed);

	if (r < 0)
		return fail(job, r, "cannot copy RELRO to anonymous memory",
			job->repairs[failed].start, job->repairs[failed].end);
	return 0;
}

/* What the loader left writable; the filter sees to the rest. */
static int protect_relro(struct job *job)
{
	for (size_t i = 0; i < job->repair_count; i++) {
		const struct span *span = &job->repairs[i];
		int r = sys_mprotect(span->start, span->end - span->start, PROT_READ);

		if (r < 0)
			return fail(job, r, "cannot make RELRO read-only", span->start, span->end);
	}
	return 0;
}

static int hold_runs(struct job *job)
{
	int r = images_filter(
		job->runs, job->run_count, job->ranges, job->opts->progress, job->result);

	for (size_t i = 0; r == 0 && i < job->run_count; i++)
		job->result->sealed += job->runs[i].end - job->runs[i].start;
	return r;
}

static int seal_runs(struct job *job)
{
	for (size_t i = 0; i < job->run_count; i++) {
		const struct images_run *run = &job->runs[i];
		int r = kernel_seal_unsealed(run->start, run->end, job->page, &job->result->sealed);

		if (r < 0)
			return fail(job, r, "cannot seal", run->start, run->end);
	}
	return 0;
}

/* Finds what there is to do; nothing is changed yet. */
static int prepare(struct job *job)
{
	int r = collect_mappings(job);

	if (r < 0)
		return r == -ENOSPC ? r : fail(job, r, "cannot ask what is mapped", 0, 0);
	r = alloc_lists(job);
	if (r < 0)
		return r;
	if (!job->opts->settled)
		each_piece(job, note_loading);
	add_own(job);
	each_piece(job, add_piece);
	return 0;
}

static int prepare_bytes(struct job *job)
{
	if (job->opts->strict)
		return images_content(
			job->locks, job->lock_count, job->spans, job->page, job->result);
	return job->opts->filter ? protect_relro(job) : repair_relro(job);
}

static int carry_out(struct job *job)
{
	int r = pin_images(job);

	if (r < 0)
		return r;
	r = prepare_bytes(job);
	if (r < 0)
		return r;
	return job->opts->filter ? hold_runs(job) : seal_runs(job);
}

static int seal_new_images(struct job *job)
{
	int r = plan_images(job);

	if (r < 0)
		return r;
	r = own_maps_open(job->scratch, &job->maps);
	if (r < 0)
		return r == -ENOSPC ? r : fail(job, r, "cannot read /proc/self/maps", 0, 0);
	r = prepare(job);
	own_maps_close(&job->maps);
	return r < 0 ? r : carry_out(job);
}

/* One that another thread is loading is to be looked at again, and what follows it. */
static void note_progress(struct job *job)
{
	for (size_t i = 0; i < job->image_count; i++)
		if (job->images[i].in_loading)
			return;
	if (job->opts->progress)
		job->opts->progress->done = job->listed;
}

static int seal_job(struct scratch *scratch, void *arg)
{
	struct job job = *(struct job *)arg;
	int r;

	job.scratch = scratch;
	r = kernel_sealed_works(scratch->base, job.page);
	if (r < 0)
		return fail(&job, r, "cannot ask mremap(2) what is sealed", 0, 0);
	r = collect_images(&job);
	if (r == 0 && job.image_count > 0)
		r = seal_new_images(&job);
	if (r == 0)
		note_progress(&job);
	return r;
}

int images_seal(const struct images_opts *opts, uint64_t page, struct images_result *ret)
{
	struct job job = { .opts = opts, .result = ret, .page = page };
	int r;

	*ret = (struct images_result){ .sealed = 0 };
	r = scratch_run(seal_job, &job);
	if (r == -ENOMEM && !ret->failed)
		ret->failed = "out of memory";
	return r;
}
