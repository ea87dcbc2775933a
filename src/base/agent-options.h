/* SPDX-License-Identifier: MIT */
/*
 * What `memseal run` tells the agent: one list, from which the options of the command line, their
 * help, the agent's state and the text of the environment variable are made. Freestanding.
 */
#ifndef MEMSEAL_BASE_AGENT_OPTIONS_H
#define MEMSEAL_BASE_AGENT_OPTIONS_H

#include "base/util.h"

/*
 * The switches of the command line, in the order of its help: X(member, name, stays, help). member
 * is also one of struct memseal_run_opts, and --name the option. stays: `memseal run` in a program
 * that was started with it has it, too; not so what allows more.
 */
#define AGENT_SWITCHES(X)                                                                       \
	X(allow_unsealed, "allow-unsealed", false,                                              \
		"start what cannot be sealed all the same, with a warning")                     \
	X(data, "data", true, "writable data of the images keeps its place and protection")     \
	X(no_dlopen, "no-dlopen", false, "leave objects alone that are loaded after the start") \
	X(no_new_code, "no-new-code", true, "memory that was writable never becomes code")      \
	X(strict, "strict", true, "lock the bytes too: not even /proc/PID/mem changes them")

/* And what the launcher finds out: a seccomp filter in place of mseal(2). */
#define AGENT_OPTIONS(X)  \
	AGENT_SWITCHES(X) \
	X(filter, "filter", false, "")

#define AGENT_OPTION_MEMBER(member, name, stays, help) bool member;
#define AGENT_OPTION_TEXT(member, name, stays, help)   char member[sizeof(name)];

/* Of the patterns, with the colons between them and the NUL. */
#define AGENT_EXCEPT_MAX 1024

struct agent_options {
	AGENT_OPTIONS(AGENT_OPTION_MEMBER)
	/* "PATTERN:PATTERN:...": objects that are not to be touched. It does not stay. */
	char except[AGENT_EXCEPT_MAX];
};

/* Room for each name and the comma behind it. */
struct agent_options_text {
	AGENT_OPTIONS(AGENT_OPTION_TEXT)
};

/* "NAME,NAME,...,except=PATTERN:PATTERN:...", with its NUL. */
#define AGENT_OPTIONS_VARIABLE "MEMSEAL_AGENT"
#define AGENT_OPTIONS_EXCEPT   "except="
#define AGENT_OPTIONS_TEXT_MAX \
	(sizeof(struct agent_options_text) + sizeof(AGENT_OPTIONS_EXCEPT) - 1 + AGENT_EXCEPT_MAX)

/*
 * Sets the options that are named in a text such as agent_options_write() makes, and leaves the
 * others as they are. A name that is not known is passed over: it can only be from a newer memseal.
 */
void agent_options_take(struct agent_options *options, const char *text) NONNULL(1, 2);

/* The same, from the environment's variable, if there is one. environment may be NULL. */
void agent_options_read(struct agent_options *options, char *const *environment) NONNULL(1);

/* Adds those options of an earlier memseal run that stay. */
void agent_options_inherit(struct agent_options *options, const struct agent_options *earlier)
	NONNULL(1, 2);

/*
 * Adds a pattern: see pattern.h. -EINVAL: it is empty, or has a comma or a colon, for which "?" can
 * stand; -ENAMETOOLONG: there is no room for it.
 */
int agent_options_except(struct agent_options *options, const char *pattern) MUST_CHECK
	NONNULL(1, 2);

/* Does one of the patterns match the path? */
bool agent_options_excepts(const struct agent_options *options, const char *path) MUST_CHECK
	NONNULL(1, 2);

/* The variable's text into a buffer of AGENT_OPTIONS_TEXT_MAX bytes: "" if no option is set. */
void agent_options_write(const struct agent_options *options, char *ret_text) NONNULL(1, 2);

#endif
