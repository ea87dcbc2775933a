/* SPDX-License-Identifier: MIT */
/*
 * What the kernel told the program, without a C library: the agent's own getauxval(), hidden, which
 * everything that it is built from is bound to.
 */
#ifndef MEMSEAL_AGENT_AUXV_H
#define MEMSEAL_AGENT_AUXV_H

/*
 * Copies the auxiliary vector to the agent's state: from behind the environment, which glibc passes
 * to constructors, or from /proc, for musl, which passes nothing. The environment, or NULL.
 */
char **auxv_read(int argc, char **argv, char **envp);

#endif
