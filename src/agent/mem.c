/* SPDX-License-Identifier: MIT */
/*
 * The functions that GCC and clang may call in freestanding code. Hidden: they serve the agent
 * alone. Compiled so that the loops are not turned into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memset(void *to, int c, size_t len);
void *memmove(void *to, const void *from, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);

#if defined(__arm__)
/* What libgcc calls for a division by zero; there is none. */
int raise(int sig);

int raise(int sig)
{
	(void)sig;
	__builtin_trap();
}
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
#if defined(__x86_64__)
	void *ret = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
	return ret;
#else
	unsigned char *t = to;
	const unsigned char *f = from;

	while (len--)
		*t++ = *f++;
	return to;
#endif
}

void *memset(void *to, int c, size_t len)
{
	unsigned char *t = to;

	while (len--)
		*t++ = (unsigned char)c;
	return to;
}

/* Forwards, memcpy() reads each byte before it writes there. */
void *memmove(void *to, const void *from, size_t len)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if ((uintptr_t)to - (uintptr_t)from >= len)
		return memcpy(to, from, len);
	while (len--)
		t[len] = f[len];
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len])
		len++;
	return len;
}
