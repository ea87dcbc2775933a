/* SPDX-License-Identifier: MIT */
/*
 * Looking at processes that may not want to be looked at. A process can make the kernel wait for
 * it, for ever and beyond SIGKILL: by a file of a FUSE server that does not answer, for instance.
 * So children look, and one that is stuck is left behind.
 */
#ifndef MEMSEAL_CLI_LOOK_H
#define MEMSEAL_CLI_LOOK_H

#include <stddef.h>

/* What became of one process. */
enum look {
	LOOK_WAITING = 0,
	LOOK_STARTED,
	LOOK_DONE,
	LOOK_LATE, /* it waited, or used the processor, for longer than allowed */
	LOOK_LOST, /* the child died of it */
};

/* To look at a process, and to change one, which waits for its threads. */
#define LOOK_SECONDS         1
#define LOOK_SECONDS_AT_WORK 15

/* Memory that children share with the parent, zeroed; ends the program if there is none. */
void *look_memory(size_t size);

/*
 * Calls fn(i, arg) in a child, for each i below n, and stores what became of it in ret[i]. A child
 * has none of the descriptors but keep (-1: none at all), and its output is what it stores in
 * look_memory() or writes to keep. Whoever takes long does not delay the others, and is given up
 * after that many seconds. Ends the program if it cannot fork.
 */
void look_each(size_t n, void (*fn)(size_t i, void *arg), void *arg, unsigned seconds, int keep,
	enum look ret[]);

#endif
