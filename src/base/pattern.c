/* SPDX-License-Identifier: MIT */
#include "base/pattern.h"

static bool has_slash(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (pattern[i] == '/')
			return true;
	return false;
}

static const char *last_component(const char *path)
{
	const char *last = path;

	for (; *path; path++)
		if (*path == '/')
			last = path + 1;
	return last;
}

/* Only the last "*" may have to take more than it did: what is before it has matched. */
static bool matches(const char *pattern, const char *end, const char *text)
{
	const char *star = NULL, *taken = text;

	while (*text) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			taken = text;
		} else if (pattern < end && (*pattern == '?' || *pattern == *text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++taken;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool pattern_matches(const char *pattern, size_t len, const char *path)
{
	if (!has_slash(pattern, len))
		path = last_component(path);
	return matches(pattern, pattern + len, path);
}
