/* SPDX-License-Identifier: MIT */
/* A shared object to load and to unload: text, read-only data, RELRO, data. */
extern int plugin_answer(int which);

int plugin_variable = 42;
/* Relocated, so in RELRO: without the repair, discarded pages would hold the link-time address. */
int *const plugin_pointer = &plugin_variable;
static const char *const words[] = { "plugin", "words" };

extern const char *plugin_word(int which);

const char *plugin_word(int which)
{
	return words[which & 1];
}

int plugin_answer(int which)
{
	return which + *plugin_pointer;
}
