/* SPDX-License-Identifier: MIT */
#include "model/maps.h"

#include <errno.h>

/*
 * A line is found first; its newline then stops every loop below, so that fields need no bound.
 * Each field parser returns the first byte behind the field, or NULL for one that cannot be.
 */

static const char *line_end_bytewise(const char *at, const char *end)
{
	while (at < end && *at != '\n' && *at != '\0')
		at++;
	return at < end && *at == '\n' ? at : NULL;
}

/* The highest bit of each byte that is zero; bytes above the lowest of those may be wrong. */
static uint64_t zero_bytes(uint64_t bytes)
{
	return (bytes - UINT64_C(0x0101010101010101)) & ~bytes & UINT64_C(0x8080808080808080);
}

/*
 * The newline of the line at `at`; NULL if there is none. The kernel writes no NUL. Eight bytes at
 * a time: this loop sees every byte of smaps, and would cost a quarter of what the kernel needs to
 * write them.
 */
static const char *line_end(const char *at, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t newlines = UINT64_C(0x0a0a0a0a0a0a0a0a);
	uint64_t bytes, found;

	for (; (size_t)(end - at) >= sizeof(bytes); at += sizeof(bytes)) {
		__builtin_memcpy(&bytes, at, sizeof(bytes));
		found = zero_bytes(bytes) | zero_bytes(bytes ^ newlines);
		if (!found)
			continue;
		at += __builtin_ctzll(found) / 8;
		return *at == '\n' ? at : NULL;
	}
#endif
	return line_end_bytewise(at, end);
}

static const char *parse_hex(const char *p, uint64_t max, uint64_t *ret)
{
	const char *first = p;
	uint64_t value = 0;

	for (;; p++) {
		unsigned digit = (unsigned char)*p - (unsigned)'0';

		if (digit > 9) {
			digit = (unsigned char)*p - (unsigned)'a';
			if (digit > 5)
				break;
			digit += 10;
		}
		if (value > max >> 4)
			return NULL;
		value = value << 4 | digit;
	}
	*ret = value;
	return p > first ? p : NULL;
}

static const char *parse_decimal(const char *p, uint64_t *ret)
{
	const char *first = p;
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (mul_overflows(value, 10, &value) ||
			add_overflows(value, (uint64_t)(*p - '0'), &value))
			return NULL;
	}
	*ret = value;
	return p > first ? p : NULL;
}

/* parse_hex(), then the byte that must follow. */
static const char *parse_hex_then(const char *p, uint64_t max, char then, uint64_t *ret)
{
	p = parse_hex(p, max, ret);
	return p && *p == then ? p + 1 : NULL;
}

/* "r-xp " */
static const char *parse_perm(const char *p, struct mapping *ret)
{
	static const char letters[] = { 'r', 'w', 'x' }; /* bit i of enum mapping_prot */

	for (unsigned i = 0; i < ARRAY_SIZE(letters); i++, p++) {
		if (*p == letters[i])
			ret->prot |= 1U << i;
		else if (*p != '-')
			return NULL;
	}
	ret->shared = *p == 's';
	if (*p != 's' && *p != 'p')
		return NULL;
	return p[1] == ' ' ? p + 2 : NULL;
}

/* "55d0c0a00000-55d0c0a02000 r--p 00000000 fd:01 1234 " */
static const char *parse_fields(const char *p, struct mapping *ret)
{
	uint64_t major = 0, minor = 0;

	p = parse_hex_then(p, UINT64_MAX, '-', &ret->start);
	p = p ? parse_hex_then(p, UINT64_MAX, ' ', &ret->end) : NULL;
	p = p ? parse_perm(p, ret) : NULL;
	p = p ? parse_hex_then(p, UINT64_MAX, ' ', &ret->offset) : NULL;
	p = p ? parse_hex_then(p, UINT32_MAX, ':', &major) : NULL;
	p = p ? parse_hex_then(p, UINT32_MAX, ' ', &minor) : NULL;
	ret->dev_major = (uint32_t)major;
	ret->dev_minor = (uint32_t)minor;
	return p ? parse_decimal(p, &ret->inode) : NULL;
}

/* The length of the prefix if the text starts with it, else 0. */
static size_t starts_with(const char *text, size_t len, const char *prefix)
{
	size_t i;

	for (i = 0; prefix[i]; i++) {
		if (i == len || text[i] != prefix[i])
			return 0;
	}
	return i;
}

static void take_off_deleted(struct mapping *mapping)
{
	static const char suffix[] = " (deleted)";
	size_t len = sizeof(suffix) - 1;

	if (mapping->name_len < len)
		return;
	if (!starts_with(mapping->name + mapping->name_len - len, len, suffix))
		return;
	mapping->name_len -= len;
	mapping->deleted = true;
}

enum name_match {
	NAME_PREFIX = 0,
	NAME_WHOLE = 1 << 0,
	/* Memory without a directory entry is printed as deleted: a file "/memfd:x" is a file. */
	NAME_DELETED = 1 << 1,
};

/* In order: the first that fits decides. */
static const struct {
	const char text[15];
	uint8_t match, kind;
} names[] = {
	{ "[heap]", NAME_WHOLE, MAPPING_HEAP },
	{ "[stack]", NAME_WHOLE, MAPPING_STACK },
	{ "[vdso]", NAME_WHOLE, MAPPING_VDSO },
	{ "[vvar]", NAME_WHOLE, MAPPING_VVAR },
	{ "[vvar_vclock]", NAME_WHOLE, MAPPING_VVAR }, /* Linux 6.13 */
	{ "[vsyscall]", NAME_WHOLE, MAPPING_VSYSCALL },
	{ "[anon:", NAME_PREFIX, MAPPING_ANON },
	{ "[anon_shmem:", NAME_PREFIX, MAPPING_SHM },
	{ "[", NAME_PREFIX, MAPPING_SPECIAL },
	{ "/memfd:", NAME_PREFIX | NAME_DELETED, MAPPING_MEMFD },
	{ "/secretmem", NAME_WHOLE | NAME_DELETED, MAPPING_MEMFD },
	{ "/SYSV", NAME_PREFIX | NAME_DELETED, MAPPING_SHM },
	{ "/dev/zero", NAME_WHOLE | NAME_DELETED, MAPPING_SHM },
	{ "/anon_hugepage", NAME_WHOLE | NAME_DELETED, MAPPING_SHM },
};

static bool name_matches(const struct mapping *mapping, const char *text, unsigned match)
{
	size_t len = starts_with(mapping->name, mapping->name_len, text);

	if (!len || (match & NAME_DELETED && !mapping->deleted))
		return false;
	return !(match & NAME_WHOLE) || len == mapping->name_len;
}

static enum mapping_kind name_kind(const struct mapping *mapping)
{
	if (!mapping->name_len)
		return MAPPING_ANON;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (name_matches(mapping, names[i].text, names[i].match))
			return names[i].kind;
	}
	return MAPPING_FILE;
}

enum mapping_kind mapping_kind_of(const char *name)
{
	struct mapping mapping = { .name = name };

	while (name[mapping.name_len])
		mapping.name_len++;
	return name_kind(&mapping);
}

/* The rest of the line: spaces up to a column, then the name, which may itself hold spaces. */
static void parse_name(const char *p, const char *eol, struct mapping *ret)
{
	while (*p == ' ')
		p++;
	ret->name = p;
	ret->name_len = (size_t)(eol - p);
	take_off_deleted(ret);
	ret->kind = name_kind(ret);
}

/* Every page size is a multiple of this. */
#define SMALLEST_PAGE 4096

static bool parse_header(const char *p, const char *eol, struct mapping *ret)
{
	p = parse_fields(p, ret);
	if (!p || (*p != ' ' && *p != '\n'))
		return false;
	if ((ret->start | ret->end | ret->offset) % SMALLEST_PAGE || ret->start >= ret->end)
		return false;
	parse_name(p, eol, ret);
	return true;
}

/* Bytes, not chars: any may come, and a negative one must not be shifted. */
static void add_flag(unsigned char first, unsigned char second, struct mapping *ret)
{
	switch (first << 8 | second) {
	case 's' << 8 | 'l':
		ret->sealed = true;
		break;
	case 'm' << 8 | 'w':
		ret->may_write = true;
		break;
	case 'l' << 8 | 'o':
		ret->locked = true;
		break;
	case 'd' << 8 | 'd':
		ret->no_dump = true;
		break;
	case 'd' << 8 | 'c':
		ret->no_fork = true;
		break;
	case 'w' << 8 | 'f':
		ret->wiped = true;
		break;
	case 'u' << 8 | 'm':
	case 'u' << 8 | 'i':
		ret->userfault = true;
		break;
	case 'g' << 8 | 'd':
		ret->grows = true;
		break;
	case 'd' << 8 | 'p':
		ret->droppable = true;
		break;
	}
}

/* Two letters and a space each. The letters stay what they are; the kernel's bits do not. */
static void parse_flags(const char *p, struct mapping *ret)
{
	while (*p != '\n') {
		const char *token = p;

		while (*p != ' ' && *p != '\n')
			p++;
		if (p - token == 2)
			add_flag((unsigned char)token[0], (unsigned char)token[1], ret);
		while (*p == ' ')
			p++;
	}
}

/* "Private_Clean:         4 kB", "Shared_Clean: ..." */
static bool is_clean(const char *p, const char *eol)
{
	size_t len = (size_t)(eol - p), key = starts_with(p, len, "Private_Clean:");

	if (!key)
		key = starts_with(p, len, "Shared_Clean:");
	if (!key)
		return false;
	for (p += key; p < eol; p++)
		if (*p >= '1' && *p <= '9')
			return true;
	return false;
}

/* The "Key: value" lines under a mapping of smaps. Returns what follows, or NULL. */
static const char *parse_attributes(const char *p, const char *end, struct mapping *ret)
{
	static const char key[] = "VmFlags:";
	bool found = false;

	while (p < end && *p >= 'A' && *p <= 'Z') {
		const char *eol = line_end(p, end);

		if (!eol)
			return NULL;
		if (*p == 'V' && starts_with(p, (size_t)(eol - p), key)) {
			if (found)
				return NULL;
			found = true;
			parse_flags(p + sizeof(key) - 1, ret);
		} else if (*p == 'P' || *p == 'S') {
			ret->clean |= is_clean(p, eol);
		}
		p = eol + 1;
	}
	return found ? p : NULL;
}

void maps_init(struct maps *maps, const char *text, size_t len, enum maps_format format)
{
	maps->at = text;
	maps->end = text + len;
	maps->last = 0;
	maps->format = format;
}

int maps_next(struct maps *maps, struct mapping *ret)
{
	struct mapping mapping = { 0 };
	const char *eol, *next;

	if (maps->at == maps->end)
		return 0;
	eol = line_end(maps->at, maps->end);
	if (!eol || !parse_header(maps->at, eol, &mapping) || mapping.start < maps->last)
		return -EBADMSG;
	next = eol + 1;
	if (maps->format == MAPS_SMAPS) {
		next = parse_attributes(next, maps->end, &mapping);
		if (!next)
			return -EBADMSG;
	}
	maps->at = next;
	maps->last = mapping.end;
	*ret = mapping;
	return 1;
}

int mapping_path(const struct mapping *mapping, char *buf, size_t size)
{
	const char *p = mapping->name, *end = p + mapping->name_len;
	size_t len = 0;

	for (; p < end && len < size; len++, p++) {
		buf[len] = *p;
		if (starts_with(p, (size_t)(end - p), "\\012")) {
			buf[len] = '\n';
			p += 3;
		}
	}
	if (len == size || len > INT32_MAX)
		return -ENAMETOOLONG;
	buf[len] = '\0';
	return (int)len;
}
