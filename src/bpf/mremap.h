/* SPDX-License-Identifier: MIT */
/* mremap(2), which changes one mapping and replaces another. */
#ifndef MEMSEAL_BPF_MREMAP_H
#define MEMSEAL_BPF_MREMAP_H

#include "bpf/interval.h"

/*
 * mremap names two intervals: the mapping that it changes, and either the target of a move or the
 * page in which a shrink begins. gen_mremap_second() judges the latter, gen->second, and
 * returns where to go on with a call whose first interval was found harmless.
 */
unsigned gen_mremap_second(struct gen *gen);

/* From ADDR, which is aligned, LEN and NEW. interval: judges ADDR, LEN and CHECKS. */
unsigned gen_mremap(struct gen *gen, unsigned interval);

#endif
