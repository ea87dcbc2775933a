/* SPDX-License-Identifier: MIT */
/*
 * Checked arithmetic, attributes and scope-bound resources. Freestanding: the
 * model and the agent include it too.
 */
#ifndef MEMSEAL_BASE_UTIL_H
#define MEMSEAL_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK      __attribute__((warn_unused_result))
#define NONNULL(...)    __attribute__((nonnull(__VA_ARGS__)))
#define FORMAT(fmt, va) __attribute__((format(printf, fmt, va)))
#define NORETURN        __attribute__((noreturn))
#define EXPORT          __attribute__((visibility("default")))
#define CLEANUP(fn)     __attribute__((cleanup(fn)))

#define ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))

/* Takes the value of *var out of a variable with a cleanup, which then does nothing. */
#define STEAL(var, empty)                             \
	__extension__({                               \
		__typeof__(var) steal_taken_ = (var); \
		(var) = (empty);                      \
		steal_taken_;                         \
	})

/* Does [off, off + len) lie within [0, size)? Never overflows. */
static inline bool range_within(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static inline bool add_overflows(uint64_t a, uint64_t b, uint64_t *ret)
{
	return __builtin_add_overflow(a, b, ret);
}

static inline bool mul_overflows(uint64_t a, uint64_t b, uint64_t *ret)
{
	return __builtin_mul_overflow(a, b, ret);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
