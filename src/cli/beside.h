/* SPDX-License-Identifier: MIT */
/* Files of a build tree that has not been installed. */
#ifndef MEMSEAL_CLI_BESIDE_H
#define MEMSEAL_CLI_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The path of a file in the directory that holds this program, if there is one, even one that this
 * user may not read.
 */
bool beside_memseal(const char *name, char *ret_path, size_t size);

#endif
