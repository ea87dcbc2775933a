/* SPDX-License-Identifier: MIT */
#include "bpf/emit.h"

#define REACH 255 /* of a conditional jump: its offsets are bytes */

unsigned emit_block(struct emit *emit, const struct sock_filter *code, unsigned length)
{
	if (emit->overflow || length > emit->capacity - emit->count) {
		emit->overflow = true;
		return emit->count;
	}
	emit->count += length;
	__builtin_memcpy(emit->end - emit->count, code, length * sizeof(*code));
	return emit->count;
}

unsigned emit_goto(struct emit *emit, unsigned target)
{
	if (target == emit->count)
		return target;
	return EMIT(emit, OP(BPF_JMP | BPF_JA, emit->count - target));
}

/* target, or an island to it, that a jump emitted after reserve more instructions still reaches. */
static unsigned within_reach(struct emit *emit, unsigned target, unsigned reserve)
{
	unsigned oldest = 0;

	if (emit->count + reserve - target <= REACH)
		return target;
	for (unsigned i = 0; i < ARRAY_SIZE(emit->islands); i++) {
		if (emit->islands[i].target == target &&
			emit->count + reserve - emit->islands[i].at <= REACH)
			return emit->islands[i].at;
		if (emit->islands[i].at < emit->islands[oldest].at)
			oldest = i;
	}
	emit->islands[oldest].target = target;
	emit->islands[oldest].at = emit_goto(emit, target);
	return emit->islands[oldest].at;
}

unsigned emit_jump(struct emit *emit, unsigned test, uint32_t k, unsigned yes, unsigned no)
{
	/* The island for no, if one is needed, comes to stand between the jump and yes. */
	unsigned yes_at = within_reach(emit, yes, 1);
	unsigned no_at = within_reach(emit, no, 0);

	return EMIT(emit, { .code = (uint16_t)(BPF_JMP | test),
				  .jt = (uint8_t)(emit->count - yes_at),
				  .jf = (uint8_t)(emit->count - no_at),
				  .k = k });
}
