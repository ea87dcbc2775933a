/* SPDX-License-Identifier: MIT */
#include <asm/unistd_32.h>

#include "numbers.h"

const char *const numbers_i386[NAMES] = {
#include "numbers-list.h"
};
