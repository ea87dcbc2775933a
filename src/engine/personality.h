/* SPDX-License-Identifier: MIT */
/* This thread's personality(2). Freestanding. */
#ifndef MEMSEAL_ENGINE_PERSONALITY_H
#define MEMSEAL_ENGINE_PERSONALITY_H

#include "base/util.h"

/*
 * Its flags, from personality(2); or, where a filter refuses that (systemd's LockPersonality= does,
 * although it is only a question), from /proc: what reading that answers. Changes nothing.
 */
int personality_get(void) MUST_CHECK;

#endif
