/* SPDX-License-Identifier: MIT */
#include <memseal.h>

#include "base/util.h"

EXPORT const char *memseal_version(void)
{
	return MEMSEAL_VERSION;
}
