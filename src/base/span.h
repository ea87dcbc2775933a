/* SPDX-License-Identifier: MIT */
/* Spans of addresses. Freestanding. */
#ifndef MEMSEAL_BASE_SPAN_H
#define MEMSEAL_BASE_SPAN_H

#include "base/util.h"

struct span {
	uint64_t start, end; /* end is the first address behind it; empty if start == end */
};

/* Members start and end of a struct that is about a span, and as one: object->span. */
#define SPAN_MEMBERS                         \
	__extension__ union {                \
		struct span span;            \
		struct {                     \
			uint64_t start, end; \
		};                           \
	}

/* Pages that get a protection. */
struct prot_span {
	SPAN_MEMBERS;
	int prot;
};

static inline uint64_t span_len(struct span span)
{
	return span.end - span.start;
}

static inline size_t prot_spans_size(const struct prot_span *spans, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += (size_t)span_len(spans[i].span);
	return size;
}

static inline bool span_overlaps(struct span a, struct span b)
{
	return a.start < b.end && b.start < a.end;
}

static inline bool span_holds(struct span span, uint64_t addr)
{
	return addr >= span.start && addr < span.end;
}

/* Is every address of inner one of outer? */
static inline bool span_within(struct span inner, struct span outer)
{
	return inner.start >= outer.start && inner.end <= outer.end;
}

/* What two spans have in common; empty if nothing. */
static inline struct span span_common(struct span a, struct span b)
{
	uint64_t start = max_u64(a.start, b.start);

	return (struct span){ start, max_u64(start, min_u64(a.end, b.end)) };
}

#endif
