/* SPDX-License-Identifier: MIT */
#include "memory/pool-slots.h"

#define WORD_BITS (8 * sizeof(unsigned long))

static size_t words_for(size_t count)
{
	return (count - 1) / WORD_BITS + 1;
}

bool pool_slots_size(uint64_t count, uint64_t *ret)
{
	if (count > SIZE_MAX / 2)
		return false;
	*ret = sizeof(struct pool_slots) + words_for((size_t)count) * sizeof(unsigned long);
	return true;
}

void pool_slots_init(struct pool_slots *slots, size_t count)
{
	size_t words = words_for(count), rest = count % WORD_BITS;

	for (size_t i = 0; i < words; i++)
		slots->words[i] = ~0UL;
	if (rest)
		slots->words[words - 1] = (1UL << rest) - 1;
}

/* Takes the lowest bit of a word that has one. */
static bool take_bit(unsigned long *word, unsigned *ret_bit)
{
	unsigned long bits = __atomic_load_n(word, __ATOMIC_ACQUIRE);

	while (bits) {
		if (__atomic_compare_exchange_n(word, &bits, bits & (bits - 1), true,
			    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
			*ret_bit = (unsigned)__builtin_ctzl(bits);
			return true;
		}
	}
	return false;
}

static void stay_near(struct pool_slots *slots, size_t word)
{
	if (__atomic_load_n(&slots->near, __ATOMIC_RELAXED) != word)
		__atomic_store_n(&slots->near, word, __ATOMIC_RELAXED);
}

static bool search(struct pool_slots *slots, size_t words, size_t *ret_index)
{
	size_t near = __atomic_load_n(&slots->near, __ATOMIC_RELAXED), word;
	unsigned bit;

	if (near >= words)
		near = 0;
	for (size_t i = 0; i < words; i++) {
		word = near + i < words ? near + i : near + i - words;
		if (take_bit(&slots->words[word], &bit)) {
			stay_near(slots, word);
			*ret_index = word * WORD_BITS + bit;
			return true;
		}
	}
	return false;
}

/*
 * A slot can be given back behind the search, while one before it is taken. If none was given back
 * meanwhile, what was empty has stayed empty, and there was none.
 */
bool pool_slots_take(struct pool_slots *slots, size_t count, size_t *ret_index)
{
	size_t words = words_for(count), before;

	do {
		before = __atomic_load_n(&slots->given, __ATOMIC_ACQUIRE);
		if (search(slots, words, ret_index))
			return true;
	} while (__atomic_load_n(&slots->given, __ATOMIC_RELAXED) != before);
	return false;
}

bool pool_slots_give(struct pool_slots *slots, size_t index)
{
	size_t word = index / WORD_BITS;
	unsigned long bit = 1UL << index % WORD_BITS;

	if (__atomic_fetch_or(&slots->words[word], bit, __ATOMIC_RELEASE) & bit)
		return false;
	__atomic_fetch_add(&slots->given, 1, __ATOMIC_RELEASE);
	stay_near(slots, word);
	return true;
}

size_t pool_slots_free(const struct pool_slots *slots, size_t count)
{
	size_t words = words_for(count), free = 0;

	for (size_t i = 0; i < words; i++)
		free += (size_t)__builtin_popcountl(
			__atomic_load_n(&slots->words[i], __ATOMIC_RELAXED));
	return free;
}
