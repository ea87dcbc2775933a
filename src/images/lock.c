/* SPDX-License-Identifier: MIT */
#include "images/lock.h"

#include "base/sys.h"
#include "engine/content-file.h"

struct locking {
	struct prot_span *spans; /* to be copied together */
	size_t count;
	const char *name; /* of the first span's image */
	int pagemap;      /* or a negative errno */
	uint64_t page;
	struct images_result *result;
};

static void add_span(struct locking *locking, const struct images_piece *piece)
{
	if (locking->count == 0)
		locking->name = piece->name;
	locking->spans[locking->count++] =
		(struct prot_span){ .start = piece->start, .end = piece->end, .prot = piece->prot };
}

static int copy_spans(struct locking *locking)
{
	size_t count = locking->count;
	int r;

	locking->count = 0;
	if (count == 0)
		return 0;
	r = content_lock(locking->spans, count, NULL);
	if (r < 0) {
		locking->result->failed = "cannot lock the bytes of";
		locking->result->object = locking->name;
		locking->result->start = locking->spans[0].start;
		locking->result->end = locking->spans[0].end;
	}
	return r;
}

/* The program has no name. Its file can be had even if it is deleted, or never had a directory. */
static const char *path_of(const char *name)
{
	return *name ? name : "/proc/self/exe";
}

/* Pieces of one image; whatever its file cannot be had for is copied. */
static int lock_image(struct locking *locking, const struct images_piece *pieces, size_t count)
{
	CLEANUP(content_file_close) struct content_file file;
	int opened = content_file_open(path_of(pieces->name), pieces->file, locking->pagemap,
		pieces[count - 1].end, locking->page, &file);

	for (size_t i = 0; i < count; i++) {
		const struct images_piece *piece = &pieces[i];

		if (opened < 0 || !mapping_same_file(piece->file, pieces->file) ||
			content_file_lock(
				&file, piece->file, piece->start, piece->end, piece->prot) < 0)
			add_span(locking, piece);
	}
	return copy_spans(locking);
}

static int lock_images(struct locking *locking, const struct images_piece *pieces, size_t count)
{
	size_t i = 0;
	int r = 0;

	while (r == 0 && i < count) {
		size_t first = i;

		while (i < count && pieces[i].file && pieces[i].name == pieces[first].name)
			i++;
		if (i > first)
			r = lock_image(locking, &pieces[first], i - first);
		else
			i++;
	}
	return r;
}

/*
 * The last first: what stands side by side in memory does not in the memfd, and stays apart; and
 * [vdso] is at its start, where those who look for images find it.
 */
static int lock_others(struct locking *locking, const struct images_piece *pieces, size_t count)
{
	while (count-- > 0)
		if (!pieces[count].file)
			add_span(locking, &pieces[count]);
	return copy_spans(locking);
}

int images_content(const struct images_piece *pieces, size_t count, struct prot_span *spans,
	uint64_t page, struct images_result *ret)
{
	CLEANUP(sys_close_cleanup) int pagemap = content_file_pagemap();
	struct locking locking = {
		.spans = spans, .pagemap = pagemap, .page = page, .result = ret
	};
	int r = lock_images(&locking, pieces, count);

	return r < 0 ? r : lock_others(&locking, pieces, count);
}
