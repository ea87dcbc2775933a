/* SPDX-License-Identifier: MIT */
#include "images/work.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/uapi.h"

struct planning {
	const struct images_process *process;
	const struct images_wanted *wanted;
	struct images_found *found;
	struct images_work *work;
	struct images_result *result;
	size_t pieces;
	int error; /* the first, or 0 */
};

/* Calls fn for each piece of each mapping. */
static void each_piece(struct planning *planning,
	void (*fn)(struct planning *, const struct mapping *, const struct plan_piece *))
{
	const struct images_found *found = planning->found;

	for (size_t i = 0; i < found->mapping_count; i++) {
		const struct mapping *mapping = &found->mappings[i];
		struct plan_piece piece = { .end = mapping->start };

		while (plan_next_piece(&found->plan, mapping, piece.end, &piece))
			fn(planning, mapping, &piece);
	}
}

/*
 * The loader makes RELRO read-only when it has relocated an object, and text too if it had to
 * relocate that. One that is still writable is being loaded by another thread just now.
 */
static void note_loading(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	struct images_image *image;

	(void)mapping;
	if (!plan_role_sealable(piece->role) || piece->why != PLAN_WRITABLE)
		return;
	image = &planning->found->images[piece->image];
	planning->result->loading += !image->left;
	image->left = true;
}

static bool is_data(const struct plan_piece *piece)
{
	return piece->role == PLAN_DATA || piece->role == PLAN_BSS;
}

static bool is_sealed(const struct planning *planning, uint64_t addr)
{
	return planning->process->is_sealed(planning->process->context, addr);
}

/* RELRO that was left writable is made read-only; text may be somebody's that patches it. */
static bool is_refused(struct planning *planning, const struct plan_piece *piece)
{
	if (!plan_role_sealable(piece->role) || piece->role == PLAN_RELRO ||
		piece->why != PLAN_WRITABLE)
		return false;
	images_refuse(planning->found, planning->result, -ETXTBSY,
		piece->role == PLAN_TEXT ? "writable text of" : "writable read-only data of",
		planning->found->images[piece->image].object.name, piece->span);
	return true;
}

static bool to_be_sealed(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	const struct images_wanted *wanted = planning->wanted;

	if (images_is_system(mapping))
		return !is_sealed(planning, mapping->start);
	if (piece->role == PLAN_NO_ROLE || planning->found->images[piece->image].left)
		return false;
	if (is_data(piece) && !wanted->data)
		return false;
	return !is_refused(planning, piece) && !is_sealed(planning, piece->start);
}

static void add_run(struct images_work *work, struct images_run run)
{
	work->runs[work->run_count++] = run;
}

/* Sorts runs that are nearly so, and makes one of those that are adjacent, each a system call. */
static void join_runs(struct images_work *work)
{
	struct images_run *runs = work->runs;
	size_t count = 0;

	for (size_t i = 1; i < work->run_count; i++) {
		const struct images_run run = runs[i];
		size_t at = i;

		for (; at > 0 && runs[at - 1].start > run.start; at--)
			runs[at] = runs[at - 1];
		runs[at] = run;
	}
	for (size_t i = 0; i < work->run_count; i++) {
		if (count && runs[count - 1].end == runs[i].start &&
			runs[count - 1].data == runs[i].data)
			runs[count - 1].end = runs[i].end;
		else
			runs[count++] = runs[i];
	}
	work->run_count = count;
}

/* What the loader of arm64 adds to the protection of code, and the kernel to that of [vdso]. */
static int guard_of(const struct images_object *object, bool vdso)
{
#if defined(__aarch64__)
	struct image_segment notes;

	if (image_find(&object->image, vdso ? PT_NOTE : PT_GNU_PROPERTY, &notes) == 0 &&
		image_note_bti(&object->image,
			(const void *)(uintptr_t)(object->bias + notes.vaddr), notes.filesz))
		return PROT_BTI;
#endif
	(void)object;
	(void)vdso;
	return 0;
}

/* What is relocated is not the file's; nor is [vdso], which the kernel lets debuggers write to. */
static void add_lock(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	const struct images_object *object =
		piece->role == PLAN_NO_ROLE ? NULL : &planning->found->images[piece->image].object;
	bool vdso = mapping->kind == MAPPING_VDSO, relro = piece->role == PLAN_RELRO;
	int prot = relro ? PROT_READ : (int)mapping->prot;

	if (mapping->kind == MAPPING_VVAR)
		return;
	if (object && prot & PROT_EXEC)
		prot |= guard_of(object, vdso);
	planning->work->locks[planning->work->lock_count++] = (struct images_piece){
		.start = piece->start,
		.end = piece->end,
		.prot = prot,
		.file = relro || vdso ? NULL : mapping,
		.name = object ? object->name : "[vdso]",
	};
}

static void append_repair(struct images_work *work, struct span span, int prot)
{
	work->repairs[work->repair_count++] = (struct prot_span){ .span = span, .prot = prot };
}

static void add_relro(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	bool discardable = !planning->wanted->filter && (mapping->inode != 0 || mapping->shared);

	if (discardable || piece->why == PLAN_WRITABLE)
		append_repair(planning->work, piece->span, PROT_READ);
}

/* Text that was relocated or patched differs from its file, and is lost as RELRO is. */
static void add_text(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	const struct images_process *process = planning->process;
	int prot = (int)mapping->prot;
	struct span span;
	int r;

	if (planning->wanted->filter || mapping->inode == 0 || mapping->shared)
		return;
	r = process->find_private(process->context, piece->span, &span);
	if (r < 0 && planning->error == 0)
		planning->error = r;
	if (r < 0 || span.start == span.end)
		return;
	if (prot & PROT_EXEC)
		prot |= guard_of(&planning->found->images[piece->image].object, false);
	append_repair(planning->work, span, prot);
}

static void add_repair(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	if (piece->role == PLAN_RELRO)
		add_relro(planning, mapping, piece);
	else if (plan_role_sealable(piece->role))
		add_text(planning, mapping, piece);
}

/* The object itself may want some of its data left as it is. */
static void add_left(struct planning *planning, const struct plan_piece *piece, struct span data)
{
	const struct images_object *object = &planning->found->images[piece->image].object;
	struct span rest = { data.start - object->bias, data.end - object->bias }, left;

	while (rest.start < rest.end) {
		if (!image_mutable(&object->image, planning->process->page, rest, &left))
			left.start = left.end = rest.end;
		if (rest.start < left.start)
			add_run(planning->work,
				(struct images_run){ .start = rest.start + object->bias,
					.end = left.start + object->bias,
					.data = true });
		rest.start = left.end;
	}
}

/* All but what is the caller's own, which is no data any more. */
static void add_data(struct planning *planning, const struct plan_piece *piece)
{
	const struct span own = span_common(piece->span, planning->wanted->own);

	if (own.start == own.end) {
		add_left(planning, piece, piece->span);
		return;
	}
	add_left(planning, piece, (struct span){ piece->start, own.start });
	add_left(planning, piece, (struct span){ own.end, piece->end });
}

static void add_piece(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	if (!to_be_sealed(planning, mapping, piece))
		return;
	if (is_data(piece)) {
		add_data(planning, piece);
		return;
	}
	if (planning->wanted->strict)
		add_lock(planning, mapping, piece);
	else
		add_repair(planning, mapping, piece);
	add_run(planning->work, (struct images_run){ .start = piece->start, .end = piece->end });
}

/* Nobody uses them, so that other code could be put there without a trace, amid what is sealed. */
static void add_holes(struct planning *planning)
{
	for (size_t i = 0; i < planning->found->hole_count; i++) {
		const struct images_hole *hole = &planning->found->holes[i];

		if (!planning->found->images[hole->image].left && !is_sealed(planning, hole->start))
			add_run(planning->work,
				(struct images_run){ .start = hole->start, .end = hole->end });
	}
}

/* The caller's own memory: it is its last moment to be writable, and then as RELRO is. */
static void add_own(struct images_work *work, const struct images_wanted *wanted)
{
	const struct span own = wanted->own;

	if (own.start == own.end)
		return;
	if (wanted->strict)
		work->locks[work->lock_count++] = (struct images_piece){
			.span = own, .prot = PROT_READ, .name = "libmemseal-agent.so"
		};
	else
		append_repair(work, own, PROT_READ);
	add_run(work, (struct images_run){ .span = own });
}

static void add_more(struct planning *planning)
{
	for (size_t i = 0; i < planning->wanted->more_count; i++)
		if (!is_sealed(planning, planning->wanted->more[i].start))
			add_run(planning->work, planning->wanted->more[i]);
}

static void count_piece(
	struct planning *planning, const struct mapping *mapping, const struct plan_piece *piece)
{
	(void)mapping;
	(void)piece;
	planning->pieces++;
}

/* Of data, a program header can cut one more piece off. */
static size_t count_cuts(const struct planning *planning)
{
	size_t count = 0;

	if (planning->wanted->data)
		for (size_t i = 0; i < planning->found->image_count; i++)
			count += planning->found->images[i].object.image.phnum;
	return count;
}

/* For the pieces and the caller's own; holes, what is cut off, and more are sealed alone. */
static int alloc_lists(struct planning *planning, struct scratch *scratch)
{
	const struct images_wanted *wanted = planning->wanted;
	struct images_work *work = planning->work;
	size_t most, runs;

	each_piece(planning, count_piece);
	most = planning->pieces + 1;
	runs = most + 1 + planning->found->hole_count + count_cuts(planning) + wanted->more_count;
	work->runs = scratch_alloc(scratch, runs * sizeof(*work->runs));
	work->ranges = scratch_alloc(scratch, (wanted->filter ? runs : 0) * sizeof(*work->ranges));
	work->repairs = scratch_alloc(scratch, most * sizeof(*work->repairs));
	most = wanted->strict ? most : 0;
	work->locks = scratch_alloc(scratch, most * sizeof(*work->locks));
	work->spans = scratch_alloc(scratch, most * sizeof(*work->spans));
	return work->runs && work->ranges && work->repairs && work->locks && work->spans ? 0
											 : -ENOSPC;
}

int images_work_plan(const struct images_process *process, const struct images_wanted *wanted,
	struct images_found *found, struct scratch *scratch, struct images_work *ret,
	struct images_result *result)
{
	struct planning planning = {
		.process = process, .wanted = wanted, .found = found, .work = ret, .result = result
	};
	int r;

	*ret = (struct images_work){ .run_count = 0 };
	r = alloc_lists(&planning, scratch);
	if (r < 0)
		return r;
	if (!wanted->settled)
		each_piece(&planning, note_loading);
	add_own(ret, wanted);
	add_more(&planning);
	each_piece(&planning, add_piece);
	add_holes(&planning);
	join_runs(ret);
	return planning.error;
}
