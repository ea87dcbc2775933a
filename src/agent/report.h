/* SPDX-License-Identifier: MIT */
/* Tells the user what could not be sealed. */
#ifndef MEMSEAL_AGENT_REPORT_H
#define MEMSEAL_AGENT_REPORT_H

#include "images/types.h"

/* error: a negative errno, or 0 if the text says it all. starting: it is why nothing starts. */
void report_failure(const struct images_result *result, int error, bool starting) NONNULL(1);

#endif
