/* SPDX-License-Identifier: MIT */
#include "process/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <memseal.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/page.h"
#include "base/sys.h"
#include "process/procfs.h"
#include "process/find-images.h"
#include "process/mapped-file.h"

static void close_cleanup(struct memseal_process **process)
{
	memseal_process_close(*process);
}

static int read_opts(const struct memseal_process_opts *opts, struct memseal_process_opts *ret_opts)
{
	int r = opts_read(ret_opts, sizeof(*ret_opts), opts);

	if (!r && !ret_opts->proc)
		ret_opts->proc = "/proc";
	return r;
}

static int add_mapping(struct memseal_process *process, const struct mapping *mapping)
{
	size_t capacity = process->capacity ? 2 * process->capacity : 128;
	struct mapping *grown;

	if (process->count == process->capacity) {
		grown = reallocarray(process->mappings, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		process->mappings = grown;
		process->capacity = capacity;
	}
	process->mappings[process->count++] = *mapping;
	return 0;
}

static int parse(struct memseal_process *process)
{
	struct mapping mapping;
	struct maps maps;
	int r;

	maps_init(&maps, process->text, process->text_len, MAPS_SMAPS);
	while ((r = maps_next(&maps, &mapping)) == 1) {
		r = add_mapping(process, &mapping);
		if (r < 0)
			return r;
	}
	return r;
}

/*
 * Terminates the names: each was followed by a newline, which nobody needs any more. Kept is what
 * the kernel printed, " (deleted)" too.
 */
static void terminate_names(struct memseal_process *process)
{
	char *end = process->text + process->text_len;

	for (size_t i = 0; i < process->count; i++) {
		char *name = process->text + (process->mappings[i].name - process->text);
		char *eol = memchr(name, '\n', (size_t)(end - name));

		*eol = '\0';
	}
}

/* The file is absent if the process ended, or from the kernel (CONFIG_PROC_PAGE_MONITOR, gVisor).
 */
static int without_smaps(int dir)
{
	int r = procfs_state(dir);

	return r < 0 ? r : -EOPNOTSUPP;
}

/* The text of smaps; the file stays open for snapshot_is_current(). */
static int read_smaps(struct memseal_process *process, int dir, int *ret_fd)
{
	int r = procfs_read(dir, "smaps", &process->text, &process->text_len, ret_fd);

	if (r == -ENOENT)
		return without_smaps(dir);
	/* From opening, since Linux 6.16: what has no address space, or no longer. */
	return r == -ESRCH ? -EAGAIN : r;
}

/*
 * Was the address space whose smaps file this is there until now? If it goes away by exit or exec
 * the kernel ends the text early without a word, and mem, opened later, may be the next program's.
 */
int snapshot_is_current(const struct memseal_process *process)
{
	char byte;
	ssize_t n = sys_pread(process->smaps, &byte, sizeof(byte), 0);

	if (n < 0 && n != -ESRCH)
		return (int)n;
	return n == sizeof(byte) ? 0 : -EAGAIN;
}

static int find_images(struct memseal_process *process, int dir)
{
	struct address_space space = {
		.dir = dir,
		.mappings = process->mappings,
		.count = process->count,
	};
	int r = images_find(&space, &process->plan, &process->found);

	return r == -ESRCH ? -EAGAIN : r;
}

/*
 * Which memfds nobody can write to. A mapping does not show it, and the descriptor may be closed:
 * the kernel gives the file itself to privileged readers alone. For the others, no memfd is sealed.
 */
static int find_write_seals(struct memseal_process *process, int dir)
{
	const struct mapping *last = NULL;
	int r;

	for (size_t i = 0; i < process->count; i++) {
		struct mapping *m = &process->mappings[i];

		if (m->kind != MAPPING_MEMFD || !m->shared || !m->sealed || m->may_write)
			continue;
		if (last && mapping_same_file(last, m)) {
			m->write_sealed = last->write_sealed;
			continue;
		}
		r = mapped_file_write_sealed(dir, m);
		if (r < 0)
			return r;
		m->write_sealed = r;
		last = m;
	}
	return 0;
}

static int read_snapshot(struct memseal_process *process, int dir)
{
	int r = read_smaps(process, dir, &process->smaps);

	if (!r)
		r = parse(process);
	if (!r)
		r = procfs_comm(dir, process->comm);
	if (!r)
		r = find_images(process, dir);
	if (!r)
		r = find_write_seals(process, dir);
	if (!r)
		r = snapshot_is_current(process);
	if (!r)
		r = snapshot_index(process);
	if (r < 0)
		return r;
	terminate_names(process);
	snapshot_count_coverage(process);
	return 0;
}

static int take_snapshot(int dir, struct memseal_process **ret_process)
{
	CLEANUP(close_cleanup) struct memseal_process *process = calloc(1, sizeof(*process));
	int r;

	if (!process)
		return -ENOMEM;
	process->plan.page = page_size();
	process->dir = process->live = process->smaps = -1;
	r = read_snapshot(process, dir);
	if (r < 0)
		return r;
	*ret_process = STEAL(process, NULL);
	return 0;
}

/* A process that maps, unmaps or executes all the time may spoil a snapshot, but hardly five. */
#define TRIES 5

static int take_snapshots(int dir, struct memseal_process **ret_process)
{
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && (r == -EAGAIN || r == -EBADMSG); i++) {
		r = take_snapshot(dir, ret_process);
		if (r == -EAGAIN) {
			int state = procfs_state(dir);

			r = state < 0 ? state : -EAGAIN;
		}
	}
	return r;
}

EXPORT int memseal_process_open(
	pid_t pid, const struct memseal_process_opts *opts, struct memseal_process **ret_process)
{
	CLEANUP(sys_close_cleanup) int dir = -1, thread = -1;
	struct memseal_process_opts known;
	int r;

	if (pid <= 0 || !ret_process || read_opts(opts, &known) < 0)
		return -EINVAL;
	dir = procfs_open(known.proc, pid);
	if (dir < 0)
		return errors_only(dir, -EIO, ERRORS_PROCESS_OPEN);
	r = take_snapshots(dir, ret_process);
	if (r == -ESRCH) {
		/* The main thread may have ended while others run: then theirs is the memory. */
		thread = procfs_open_thread(dir);
		r = thread < 0 ? thread : take_snapshots(thread, ret_process);
	}
	if (r == 0) {
		(*ret_process)->pid = pid;
		(*ret_process)->live = thread < 0 ? dir : STEAL(thread, -1);
		(*ret_process)->dir = STEAL(dir, -1);
	}
	return errors_only(r, -EIO, ERRORS_PROCESS_OPEN);
}

EXPORT int memseal_process_name(
	pid_t pid, const struct memseal_process_opts *opts, char ret_name[MEMSEAL_NAME_SIZE])
{
	CLEANUP(sys_close_cleanup) int dir = -1;
	struct memseal_process_opts known;

	if (pid <= 0 || !ret_name || read_opts(opts, &known) < 0)
		return -EINVAL;
	dir = procfs_open(known.proc, pid);
	return errors_only(dir < 0 ? dir : procfs_comm(dir, ret_name), -EIO, ERRORS_PROCESS_NAME);
}

EXPORT const char *memseal_process_comm(const struct memseal_process *process)
{
	return process->comm;
}

EXPORT void memseal_process_close(struct memseal_process *process)
{
	if (!process)
		return;
	sys_close_cleanup(&process->smaps);
	if (process->live != process->dir)
		sys_close_cleanup(&process->live);
	sys_close_cleanup(&process->dir);
	file_set_free(&process->image_files);
	file_set_free(&process->written);
	free(process->image_names);
	free(process->plan.extents);
	free(process->mappings);
	free(process->text);
	free(process);
}

EXPORT int memseal_process_each(
	const struct memseal_process_opts *opts, int (*fn)(pid_t pid, void *arg), void *arg)
{
	CLEANUP(sys_close_cleanup) int proc = -1;
	struct memseal_process_opts known;

	if (!fn || read_opts(opts, &known) < 0)
		return -EINVAL;
	proc = procfs_root(known.proc);
	return proc < 0 ? errors_only(proc, -EIO, ERRORS_PROCESS_EACH) : procfs_each(proc, fn, arg);
}
