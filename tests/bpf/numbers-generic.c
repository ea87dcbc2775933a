/* SPDX-License-Identifier: MIT */
#include <asm-generic/unistd.h>

#include "numbers.h"

const char *const numbers_generic[NAMES] = {
#include "numbers-list.h"
};
