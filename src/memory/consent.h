/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_MEMORY_CONSENT_H
#define MEMSEAL_MEMORY_CONSENT_H

#include <stdbool.h>

/* Has the program agreed to filters? See memseal_filter_allow(). */
bool consent_given(void);

#endif
