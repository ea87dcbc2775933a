/* SPDX-License-Identifier: MIT */
/* Random ranges and calls, most of them at the edges where a filter can go wrong. */
#ifndef MEMSEAL_TESTS_BPF_RANDOM_H
#define MEMSEAL_TESTS_BPF_RANDOM_H

#include "model.h"

struct random {
	uint64_t state; /* not 0 */
};

uint64_t random_u64(struct random *random);

/* 0 to limit - 1. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return random_u64(random) % limit;
}

/* True once in n times. */
static inline bool random_once_in(struct random *random, uint64_t n)
{
	return random_below(random, n) == 0;
}

/* At most max ranges that the policy's architecture can have; returns how many. */
size_t random_ranges(struct random *random, const struct bpf_policy *policy,
	struct bpf_range *ret_ranges, size_t max);

/* A page size of the architecture, answers, sometimes a heap. */
void random_policy(struct random *random, enum bpf_arch arch, struct bpf_policy *ret_policy);

/* Sometimes puts the heap around a range. */
void random_heap(struct random *random, const struct bpf_range *ranges, size_t count,
	struct bpf_policy *policy);

/* A call of an interface of the architecture, rarely of another. */
void random_call(struct random *random, const struct model *model, struct seccomp_data *ret_data);

#endif
