/* SPDX-License-Identifier: MIT */
#include "agent/options.h"

#include "agent/state.h"

/* Is text the given word, up to a comma or its end? */
static bool is_word(const char *text, const char *word)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return *word == '\0' && (*text == ',' || *text == '\0');
}

static const char *next_word(const char *text)
{
	while (*text && *text != ',')
		text++;
	return *text ? text + 1 : text;
}

static const char *find_variable(char *const *environment, const char *assignment)
{
	for (; environment && *environment; environment++) {
		const char *a = *environment, *b = assignment;

		while (*b && *a == *b) {
			a++;
			b++;
		}
		if (*b == '\0')
			return a;
	}
	return NULL;
}

void options_read(char *const *environment)
{
	const char *text = find_variable(environment, "MEMSEAL_AGENT=");

	for (; text && *text; text = next_word(text)) {
		agent.allow_unsealed |= is_word(text, "allow-unsealed");
		agent.no_dlopen |= is_word(text, "no-dlopen");
		agent.filter |= is_word(text, "filter");
		agent.strict |= is_word(text, "strict");
		agent.data |= is_word(text, "data");
	}
}
