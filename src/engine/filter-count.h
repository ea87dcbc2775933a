/* SPDX-License-Identifier: MIT */
/* Seccomp filters of this thread, whoever installed them. Freestanding. */
#ifndef MEMSEAL_ENGINE_FILTER_COUNT_H
#define MEMSEAL_ENGINE_FILTER_COUNT_H

#include "base/util.h"

/* As /proc counts them, or what reading that answers. */
int filter_count(void) MUST_CHECK;

#endif
