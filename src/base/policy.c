/* SPDX-License-Identifier: MIT */
#include "base/policy.h"

#include <errno.h>

#include "base/pattern.h"

#define HEADER_UNITS (sizeof(struct policy_header) / sizeof(struct policy_record))
#define UNIT         sizeof(struct policy_record)
#define LANES        (POLICY_LEN_UNIT / sizeof(uint64_t))

_Static_assert(sizeof(struct policy_header) == HEADER_UNITS * UNIT, "records follow the header");
_Static_assert(sizeof(struct policy_header) == 40, "no padding, on no architecture");
_Static_assert(UNIT == sizeof(uint64_t), "a unit is a word");
_Static_assert(sizeof(union policy_block) == POLICY_BLOCK_SIZE, "nothing is larger than the bytes");

/* One to one in both arguments: whatever changes in one word, the sum is another one. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15; /* odd: 2^64 divided by the golden ratio */
	return sum << 29 | sum >> 35;
}

/* Four sums side by side: of one alone, each step would wait for the multiplication before it. */
uint64_t policy_checksum(const union policy_block *block)
{
	size_t end = block->header.len / sizeof(uint64_t);
	uint64_t a = block->header.checksum, b = 1, c = 2, d = 3; /* which takes itself out of a */

	for (size_t i = 0; i + LANES <= end && i + LANES <= ARRAY_SIZE(block->words); i += LANES) {
		a = mix(a, block->words[i]);
		b = mix(b, block->words[i + 1]);
		c = mix(c, block->words[i + 2]);
		d = mix(d, block->words[i + 3]);
	}
	return mix(mix(mix(a, b), c), d);
}

static bool header_fits(const struct policy_header *header, size_t len)
{
	return header->magic == POLICY_MAGIC && header->version == POLICY_VERSION &&
	       header->len == len && len % POLICY_LEN_UNIT == 0 && len <= POLICY_BLOCK_SIZE &&
	       header->number < header->blocks &&
	       (len == POLICY_BLOCK_SIZE || header->number + 1 == header->blocks);
}

static bool is_next(const struct policy_header *header, const struct policy_reader *reader)
{
	return header->number == reader->number &&
	       (reader->number == 0 ||
		       (header->id == reader->id && header->blocks == reader->blocks));
}

int policy_block_check(const union policy_block *block, size_t len, struct policy_reader *reader)
{
	const struct policy_header *header = &block->header;

	if (len < sizeof(*header) || !header_fits(header, len) || !is_next(header, reader) ||
		policy_checksum(block) != header->checksum)
		return -EBADMSG;
	*reader = (struct policy_reader){
		.id = header->id,
		.first_children = header->first_children,
		.number = (uint16_t)(header->number + 1),
		.blocks = header->blocks,
		.last = header->number + 1 == header->blocks,
		.needs_path = header->flags & POLICY_NEEDS_PATH,
	};
	return 0;
}

/* The record at a unit of the block, or NULL: it is not all there, or does not end with a NUL. */
static const struct policy_record *record_at(const union policy_block *block, size_t at)
{
	size_t end = min_u64(block->header.len, POLICY_BLOCK_SIZE) / UNIT;
	const struct policy_record *record;

	if (!range_within(at, 1, end))
		return NULL;
	record = &block->records[at];
	if (record->units < 2 || !range_within(at, record->units, end) ||
		record->pattern_len >= (record->units - 1) * UNIT)
		return NULL;
	return block->bytes[(at + record->units) * UNIT - 1] ? NULL : record;
}

static bool matches(
	const struct policy_record *record, const char *path, enum policy_relation relation)
{
	return (relation == POLICY_ITSELF || record->flags & POLICY_CHILDREN) &&
	       pattern_matches((const char *)(record + 1), record->pattern_len, path);
}

static void decide(
	struct policy_verdict *verdict, const struct policy_record *record, uint32_t number)
{
	*verdict = (struct policy_verdict){
		.rule = number,
		.off = record->flags & POLICY_OFF,
		.children = record->flags & POLICY_CHILDREN,
		.options = (const char *)(record + 1) + record->pattern_len,
	};
}

int policy_block_find(const union policy_block *block, const char *path,
	enum policy_relation relation, struct policy_verdict *verdict)
{
	const struct policy_header *header = &block->header;
	size_t at = HEADER_UNITS;

	for (uint32_t i = 0; i < header->rules && header->first_rule + i < verdict->rule; i++) {
		const struct policy_record *record = record_at(block, at);

		if (!record)
			return -EBADMSG;
		if (matches(record, path, relation)) {
			decide(verdict, record, header->first_rule + i);
			return 1;
		}
		at += record->units;
	}
	return 0;
}
