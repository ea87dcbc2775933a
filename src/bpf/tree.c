/* SPDX-License-Identifier: MIT */
#include "bpf/tree.h"

/*
 * A 4 GiB window is the addresses that share a high word. Ranges are cut at the windows' edges into
 * segments: parts of one window, and spans of whole windows. Everything is page aligned, so an
 * overlap is ADDR < end && END > start, with no special case.
 */
struct tree {
	struct emit *emit;
	struct bpf_segment *segments;
	size_t count;
	unsigned next; /* no overlap */
};

static void add_segment(
	struct tree *tree, uint64_t window, uint64_t last, uint64_t start, uint64_t end)
{
	if (tree->count == BPF_SEGMENTS_MAX) {
		tree->emit->overflow = true;
		return;
	}
	tree->segments[tree->count++] = (struct bpf_segment){
		.window = (uint32_t)window,
		.last = (uint32_t)last,
		.start = (uint32_t)start,
		.end = (uint32_t)end,
	};
}

static void add_span(struct tree *tree, uint64_t start, uint64_t end)
{
	uint64_t window = start >> 32, end_window = end >> 32;

	if (window == end_window) {
		add_segment(tree, window, window, start, end);
		return;
	}
	if ((uint32_t)start) {
		add_segment(tree, window, window, start, 0);
		window++;
	}
	if (window < end_window)
		add_segment(tree, window, end_window - 1, 0, 0);
	if ((uint32_t)end)
		add_segment(tree, end_window, end_window, 0, end);
}

/* The ranges that have the effect, joined where they touch. */
static void add_ranges(struct tree *tree, const struct bpf_ranges *ranges, uint64_t effect)
{
	uint64_t start = 0, end = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		const struct bpf_range *range = &ranges->at[i];

		if (!(range->effects & effect))
			continue;
		if (range->start <= end && end) {
			end = max_u64(end, range->end);
			continue;
		}
		if (end)
			add_span(tree, start, end);
		start = range->start;
		end = range->end;
	}
	if (end)
		add_span(tree, start, end);
}

static bool segment_is_full(const struct bpf_segment *segment)
{
	return !segment->start && !segment->end;
}

/* ADDR lies before segment i and behind the one before it; count is behind the last. */
static unsigned gen_between(struct tree *tree, size_t i)
{
	struct emit *emit = tree->emit;
	const struct bpf_segment *segment = &tree->segments[i];

	if (i == tree->count)
		return tree->next;
	emit_jump(emit, BPF_JGT, segment->start, emit->refuse, tree->next);
	EMIT(emit, LOAD(END_LOW));
	emit_jump(emit, BPF_JEQ, segment->window, emit->count, tree->next);
	emit_jump(emit, BPF_JGT, segment->window, emit->refuse, emit->count);
	return EMIT(emit, LOAD(END_HIGH));
}

/*
 * A is ADDR_LOW and X is NEAR_END; ADDR is in the window of the segments. The leaves first to last
 * are the segments that ADDR may lie before or in; leaf number end is past, behind all of them.
 */
static unsigned gen_low_tree(
	struct tree *tree, size_t first, size_t last, size_t end, unsigned past)
{
	struct emit *emit = tree->emit;
	size_t middle = (first + last) / 2;
	unsigned right, left;

	if (first == end)
		return past;
	if (first == last) {
		emit_jump(emit, BPF_JGT, tree->segments[first].start, emit->refuse, tree->next);
		return EMIT(emit, TXA);
	}
	right = gen_low_tree(tree, middle + 1, last, end, past);
	left = gen_low_tree(tree, first, middle, end, past);
	return emit_jump(emit, BPF_JGE, tree->segments[middle].end, right, left);
}

/* A is ADDR_HIGH, in or behind the window of segments first to end and before the next window. */
static unsigned gen_window_leaf(struct tree *tree, size_t first, size_t end)
{
	struct emit *emit = tree->emit;
	const struct bpf_segment *segment = &tree->segments[first];
	unsigned past = gen_between(tree, end);
	bool open = !tree->segments[end - 1].end;

	if (segment_is_full(segment))
		return emit_jump(emit, BPF_JGT, segment->last, past, emit->refuse);
	gen_low_tree(tree, first, open ? end - 1 : end, end, past);
	EMIT(emit, LOAD(ADDR_LOW));
	return emit_jump(emit, BPF_JEQ, segment->window, emit->count, past);
}

/* Where to cut first to end between two windows, as near to the middle as can be; end: one window.
 */
static size_t split(const struct tree *tree, size_t first, size_t end)
{
	size_t at = (first + end) / 2;

	while (at > first && tree->segments[at - 1].window == tree->segments[at].window)
		at--;
	if (at > first)
		return at;
	do
		at++;
	while (at < end && tree->segments[at].window == tree->segments[first].window);
	return at;
}

/* A is ADDR_HIGH, not before the window of segment first. From right to left, as gen_between()
 * needs.
 */
static unsigned gen_window_tree(struct tree *tree, size_t first, size_t end)
{
	size_t middle = split(tree, first, end);
	unsigned right, left;

	if (middle == end)
		return gen_window_leaf(tree, first, end);
	right = gen_window_tree(tree, middle, end);
	left = gen_window_tree(tree, first, middle);
	return emit_jump(tree->emit, BPF_JGE, tree->segments[middle].window, right, left);
}

static unsigned gen_segments(struct tree *tree)
{
	unsigned windows = gen_window_tree(tree, 0, tree->count);

	if (tree->segments[0].window)
		emit_jump(tree->emit, BPF_JGE, tree->segments[0].window, windows,
			gen_between(tree, 0));
	return EMIT(tree->emit, LOADX(NEAR_END), LOAD(ADDR_HIGH));
}

/* Of the effects given, those that exactly the same ranges have as the lowest one. */
static uint64_t same_ranges(const struct bpf_ranges *ranges, uint64_t effects)
{
	uint64_t effect = effects & -effects;

	for (size_t i = 0; i < ranges->count; i++) {
		uint64_t has = ranges->at[i].effects;

		effects &= has & effect ? has : ~has;
	}
	return effects;
}

static bool any_range(const struct bpf_ranges *ranges, uint64_t effects)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (ranges->at[i].effects & effects)
			return true;
	return false;
}

unsigned gen_tree(struct emit *emit, const struct bpf_ranges *ranges, uint64_t effects,
	struct bpf_scratch *scratch, unsigned next)
{
	for (uint64_t left = effects, set; left; left &= ~set) {
		struct tree tree = { .emit = emit, .segments = scratch->segments, .next = next };
		unsigned entry;

		set = same_ranges(ranges, left);
		if (!any_range(ranges, set))
			continue;
		add_ranges(&tree, ranges, set);
		entry = gen_segments(&tree);
		if (set != effects) {
			emit_jump(emit, BPF_JSET, (uint32_t)set, entry, next);
			entry = EMIT(emit, LOAD(CHECKS));
		}
		next = entry;
	}
	return next;
}
