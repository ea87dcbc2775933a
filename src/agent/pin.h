/* SPDX-License-Identifier: MIT */
/* Keeps loaded objects from being unloaded, by the C library's own dlopen(3). */
#ifndef MEMSEAL_AGENT_PIN_H
#define MEMSEAL_AGENT_PIN_H

#include "base/util.h"

/* Notes the functions of the C library in the agent's state. Once, from its constructor. */
void pin_find(void);

/* Keeps an object loaded for ever; for images_seal(). False: it could not be done. */
bool pin_object(const char *name) NONNULL(1);

#endif
