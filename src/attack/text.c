/* SPDX-License-Identifier: MIT */
/* Results in words. */
#include "attack/family.h"

static const char *const effects[] = {
	[ATTACK_UNCHANGED] = "unchanged",
	[ATTACK_WRITABLE] = "writable",
	[ATTACK_CHANGED] = "changed",
	[ATTACK_ZEROED] = "zeroed",
	[ATTACK_FILE_BYTES] = "file bytes",
	[ATTACK_SIGSEGV] = "SIGSEGV",
	[ATTACK_SIGBUS] = "SIGBUS",
	[ATTACK_HANGS] = "hangs",
};

const char *attack_effect_name(enum attack_effect effect)
{
	return effects[effect];
}

static const struct {
	int error;
	const char *name;
} errors[] = {
	{ 0, "ok" },
	{ -EPERM, "EPERM" },
	{ -ENOENT, "ENOENT" },
	{ -EIO, "EIO" },
	{ -EBADF, "EBADF" },
	{ -EAGAIN, "EAGAIN" },
	{ -ENOMEM, "ENOMEM" },
	{ -EACCES, "EACCES" },
	{ -EFAULT, "EFAULT" },
	{ -EBUSY, "EBUSY" },
	{ -EEXIST, "EEXIST" },
	{ -EINVAL, "EINVAL" },
	{ -ENOSPC, "ENOSPC" },
	{ -ENOSYS, "ENOSYS" },
	{ -EOPNOTSUPP, "EOPNOTSUPP" },
};

const char *attack_errno_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].error == error)
			return errors[i].name;
	return NULL;
}

/* Appends to the terminated text of at most ATTACK_TEXT_SIZE. */
static void append(char *text, const char *more)
{
	size_t at = 0;

	while (text[at] != '\0')
		at++;
	while (*more != '\0' && at < ATTACK_TEXT_SIZE - 1)
		text[at++] = *more++;
	text[at] = '\0';
}

void attack_result_text(const struct attack_result *result, char text[ATTACK_TEXT_SIZE])
{
	const char *name = attack_errno_name(result->error);

	text[0] = '\0';
	if (result->verdict == ATTACK_UNSUPPORTED) {
		append(text, "untried");
		return;
	}
	append(text, name != NULL ? name : "unknown errno");
	if (result->self != ATTACK_UNCHANGED) {
		append(text, ", ");
		append(text, effects[result->self]);
	}
	if (result->child != result->self) {
		append(text, ", child ");
		append(text, effects[result->child]);
	}
}
