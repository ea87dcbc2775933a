/* SPDX-License-Identifier: MIT */
/* Tells the user what could not be sealed. */
#ifndef MEMSEAL_AGENT_REPORT_H
#define MEMSEAL_AGENT_REPORT_H

#include "images/types.h"

/*
 * error: a negative errno, or 0 if the text says it all. starting: it is why nothing starts.
 * Nothing is written if the program has confined itself since its start: its filter may kill for
 * it.
 */
void report_failure(const struct images_result *result, int error, bool starting) NONNULL(1);

/* Is this thread under a seccomp filter? PR_GET_SECCOMP, or a negative errno. */
int report_confinement(void);

#endif
