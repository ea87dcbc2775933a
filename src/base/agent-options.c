/* SPDX-License-Identifier: MIT */
#include "base/agent-options.h"

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

#define READ_OPTION(member, name, stays, help) options->member |= is_name(text, name);

void agent_options_read(struct agent_options *options, char *const *environment)
{
	const char *text = find_text(environment);

	for (; text && *text; text = next_name(text)) {
		AGENT_OPTIONS(READ_OPTION)
	}
}

#define INHERIT_OPTION(member, name, stays, help) options->member |= (stays) && earlier->member;

void agent_options_inherit(struct agent_options *options, const struct agent_options *earlier)
{
	AGENT_OPTIONS(INHERIT_OPTION)
}

static char *append(char *text, const char *name)
{
	while (*name)
		*text++ = *name++;
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
	if (end != ret_text)
		end--;
	*end = '\0';
}
