/* SPDX-License-Identifier: MIT */
#include "base/agent-options.h"

#include <errno.h>

#include "base/pattern.h"

/* What stands behind the prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
	while (*prefix && *text == *prefix) {
		text++;
		prefix++;
	}
	return *prefix ? NULL : text;
}

static bool is_name(const char *text, const char *name)
{
	const char *end = behind(text, name);

	return end && (*end == ',' || *end == '\0');
}

static const char *next_name(const char *text)
{
	while (*text && *text != ',')
		text++;
	return *text ? text + 1 : text;
}

static const char *find_text(char *const *environment)
{
	const char *text = NULL;

	for (; !text && environment && *environment; environment++)
		text = behind(*environment, AGENT_OPTIONS_VARIABLE "=");
	return text;
}

/* The length up to one of the two, or the NUL. */
static size_t len_until(const char *text, char a, char b)
{
	size_t len = 0;

	while (text[len] && text[len] != a && text[len] != b)
		len++;
	return len;
}

/* Of what finds no room, or has an empty part, nothing is taken: all that it is for is sealed. */
static int add_patterns(struct agent_options *options, const char *patterns, size_t len)
{
	char *except = options->except;
	size_t used = len_until(except, '\0', '\0'), i = 0;

	if (used + (used > 0) + len >= sizeof(options->except))
		return -ENAMETOOLONG;
	if (len > 0 && used > 0)
		except[used++] = ':';
	for (; i < len; i++)
		except[used + i] = patterns[i];
	except[used + i] = '\0';
	return 0;
}

int agent_options_except(struct agent_options *options, const char *pattern)
{
	size_t len = len_until(pattern, ':', ',');

	return len == 0 || pattern[len] ? -EINVAL : add_patterns(options, pattern, len);
}

bool agent_options_excepts(const struct agent_options *options, const char *path)
{
	const char *pattern = options->except;
	size_t len;

	for (; *pattern; pattern += len + (pattern[len] == ':')) {
		len = len_until(pattern, ':', ':');
		if (len > 0 && pattern_matches(pattern, len, path))
			return true;
	}
	return false;
}

static void read_patterns(struct agent_options *options, const char *text)
{
	const char *patterns = behind(text, AGENT_OPTIONS_EXCEPT);

	if (patterns)
		(void)add_patterns(options, patterns, len_until(patterns, ',', ','));
}

#define READ_OPTION(member, name, stays, help) options->member |= is_name(text, name);

void agent_options_take(struct agent_options *options, const char *text)
{
	for (; *text; text = next_name(text)) {
		AGENT_OPTIONS(READ_OPTION)
		read_patterns(options, text);
	}
}

void agent_options_read(struct agent_options *options, char *const *environment)
{
	const char *text = find_text(environment);

	if (text)
		agent_options_take(options, text);
}

#define INHERIT_OPTION(member, name, stays, help) options->member |= (stays) && earlier->member;

void agent_options_inherit(struct agent_options *options, const struct agent_options *earlier)
{
	AGENT_OPTIONS(INHERIT_OPTION)
}

static char *append_text(char *text, const char *name)
{
	while (*name)
		*text++ = *name++;
	return text;
}

static char *append(char *text, const char *name)
{
	text = append_text(text, name);
	*text++ = ',';
	return text;
}

#define WRITE_OPTION(member, name, stays, help) \
	if (options->member)                    \
		end = append(end, name);

void agent_options_write(const struct agent_options *options, char *ret_text)
{
	char *end = ret_text;

	AGENT_OPTIONS(WRITE_OPTION)
	if (*options->except)
		end = append(append_text(end, AGENT_OPTIONS_EXCEPT), options->except);
	if (end != ret_text)
		end--;
	*end = '\0';
}
