/* SPDX-License-Identifier: MIT */
#include <asm/unistd_64.h>

#include "numbers.h"

const char *const numbers_x86_64[NAMES] = {
#include "numbers-list.h"
};
