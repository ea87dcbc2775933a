/* SPDX-License-Identifier: MIT */
/* What each call would do to memory, read from its registers: an interval and the effects. */
#ifndef MEMSEAL_BPF_JUDGE_H
#define MEMSEAL_BPF_JUDGE_H

#include "bpf/interval.h"

/* Judgements of all calls; emit.allow for those that no range is concerned with. */
void gen_calls(struct gen *gen, unsigned ret_heads[CALLS]);

#endif
