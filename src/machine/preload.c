/* SPDX-License-Identifier: MIT */
#include "machine/preload.h"

#include <string.h>

/* A part of the list: a path, or all that stands between two paths. */
struct part {
	const char *start, *end;
	bool path;
};

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == ':';
}

static const char *end_of_gap(const char *at, const char *end)
{
	bool comment = false;

	for (; at < end && (comment || is_separator(*at) || *at == '#'); at++)
		comment = *at == '#' || (comment && *at != '\n');
	return at;
}

static const char *end_of_path(const char *at, const char *end)
{
	while (at < end && !is_separator(*at) && *at != '#')
		at++;
	return at;
}

static bool next_part(const char *at, const char *end, struct part *ret)
{
	const char *gap = end_of_gap(at, end);

	ret->path = gap == at;
	ret->start = at;
	ret->end = ret->path ? end_of_path(at, end) : gap;
	return at < end;
}

static bool is_path(const struct part *part, const char *path)
{
	size_t len = (size_t)(part->end - part->start);

	return part->path && len == strlen(path) && memcmp(part->start, path, len) == 0;
}

bool preload_has(const char *text, size_t len, const char *path)
{
	const char *end = text + strnlen(text, len);
	struct part part = { .end = text };

	while (next_part(part.end, end, &part))
		if (is_path(&part, path))
			return true;
	return false;
}

size_t preload_add(const char *text, size_t len, const char *path, char *ret_text)
{
	size_t path_len = strlen(path);

	memcpy(ret_text, path, path_len + 1);
	ret_text[path_len] = '\n';
	memcpy(ret_text + path_len + 1, text, len);
	return path_len + 1 + len;
}

/* With the one separator behind it, which preload_add() has put there. */
size_t preload_remove(const char *text, size_t len, const char *path, char *ret_text)
{
	const char *end = text + len;
	struct part part = { .end = text };
	size_t left = 0;

	while (next_part(part.end, end, &part)) {
		if (is_path(&part, path)) {
			part.end += part.end < end && is_separator(*part.end);
			continue;
		}
		memcpy(ret_text + left, part.start, (size_t)(part.end - part.start));
		left += (size_t)(part.end - part.start);
	}
	return left;
}
