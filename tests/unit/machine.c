/* SPDX-License-Identifier: MIT */
/*
 * The files of the machine-wide mode: what is foreign in the preload list stays, no failure leaves
 * anything but the old list or the new one, and no file passes for an agent that would end the
 * programs it is loaded into.
 */
#include "machine/machine.h"

#include <check.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "machine/entry.h"
#include "machine/preload.h"

#define AGENT MEMSEAL_MACHINE_PATH

static char root[sizeof("/tmp/memseal-machine-XXXXXX")];

/* Files below the root. */

static const char *below(const char *path)
{
	static char paths[4][PATH_MAX];
	static unsigned turn;
	char *buf = paths[turn++ % ARRAY_SIZE(paths)];

	ck_assert_int_lt(snprintf(buf, PATH_MAX, "%s%s", root, path), PATH_MAX);
	return buf;
}

/* Each directory on the way to a path. */
static void make_way(const char *path)
{
	char way[PATH_MAX];

	snprintf(way, sizeof(way), "%s", below(path));
	for (char *slash = way + sizeof(root); *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		ck_assert(mkdir(way, 0755) == 0 || errno == EEXIST);
		ck_assert_int_eq(chmod(way, 0755), 0);
		*slash = '/';
	}
}

static void put(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(below(path), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(below(path), 0644), 0);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(below(path), &st) == 0;
}

/* Is this all that the file has? NULL: is there none? */
static bool has_bytes(const char *path, const char *bytes, size_t len)
{
	static char there[PRELOAD_MAX + PATH_MAX];
	FILE *file = fopen(below(path), "r");
	size_t n;

	if (!file)
		return !bytes && errno == ENOENT;
	n = fread(there, 1, sizeof(there), file);
	fclose(file);
	return bytes && n == len && memcmp(there, bytes, len) == 0;
}

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

static unsigned count_descriptors(void)
{
	return count_entries("/proc/self/fd");
}

/* A file system of its own, on which fsync(2) costs nothing. */
static void mount_root(unsigned long flags)
{
	ck_assert_int_eq(mount("memseal", root, "tmpfs", flags, "mode=755"), 0);
	make_way(MACHINE_PRELOAD);
	make_way(POLICY_COMPILED);
	make_way(AGENT);
	make_way(machine_loader());
}

static void setup(void)
{
	umask(077); /* what is written must be readable all the same */
	strcpy(root, "/tmp/memseal-machine-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	mount_root(0);
}

static void teardown(void)
{
	ck_assert_int_eq(umount(root), 0);
	ck_assert_int_eq(rmdir(root), 0);
}

/* The text of the list. */

/* Of a random text. */
#define PIECES   7
#define TEXT_MAX (PIECES * (sizeof(AGENT) + 16))

/* As elf/rtld.c does it: comments become blanks first. */
static void blank_comments(char *text, size_t len)
{
	bool comment = false;

	for (size_t i = 0; i < len; i++) {
		comment = text[i] == '#' || (comment && text[i] != '\n');
		if (comment)
			text[i] = ' ';
	}
}

static bool separates(char c)
{
	return strchr(" \t\n:", c) != NULL;
}

/* Calls fn for each path of the text: where it is, and how long. */
static void each_path(const char *text, size_t len,
	void (*fn)(const char *path, size_t at, size_t len, void *arg), void *arg)
{
	static char blanked[PRELOAD_MAX];
	size_t start = 0;

	memcpy(blanked, text, len);
	blank_comments(blanked, len);
	for (size_t i = 0; i <= len; i++) {
		if (i < len && !separates(blanked[i]))
			continue;
		if (i > start)
			fn(blanked + start, start, i - start, arg);
		start = i + 1;
	}
}

struct model {
	const char *text;
	size_t len;
	unsigned found;
	bool gone[TEXT_MAX]; /* bytes of the text */
};

/* The path goes, and one separator behind it. */
static void meet_path(const char *path, size_t at, size_t len, void *arg)
{
	struct model *model = arg;

	if (len != strlen(AGENT) || memcmp(path, AGENT, len) != 0)
		return;
	model->found++;
	memset(model->gone + at, 1, len);
	if (at + len < model->len && separates(model->text[at + len]))
		model->gone[at + len] = true;
}

static size_t model_remove(struct model *model, char *ret)
{
	size_t left = 0;

	each_path(model->text, model->len, meet_path, model);
	for (size_t i = 0; i < model->len; i++)
		if (!model->gone[i])
			ret[left++] = model->text[i];
	return left;
}

/* Pieces that are next to each other make comments, longer paths and several paths. */
static size_t make_text(char *text)
{
	static const char *const pieces[] = { " ", "\t", "\n", ":", "#", "a", "/lib/x.so", AGENT,
		AGENT, "\n", "# say" };
	size_t len = 0;

	for (int n = rand() % (PIECES + 1); n > 0; n--) {
		const char *piece = pieces[(size_t)rand() % ARRAY_SIZE(pieces)];

		memcpy(text + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return len;
}

static bool check_random_text(void)
{
	char text[TEXT_MAX], added[TEXT_MAX + sizeof(AGENT)], removed[sizeof(added)],
		expected[TEXT_MAX];
	size_t len = make_text(text), added_len, expected_len;
	struct model model = { .text = text, .len = len };

	expected_len = model_remove(&model, expected);
	ck_assert(preload_has(text, len, AGENT) == (model.found > 0));
	ck_assert_uint_eq(preload_remove(text, len, AGENT, removed), expected_len);
	ck_assert_mem_eq(removed, expected, expected_len);
	ck_assert(!preload_has(removed, expected_len, AGENT));

	added_len = preload_add(text, len, AGENT, added);
	ck_assert_uint_eq(added_len, len + strlen(AGENT) + 1);
	ck_assert_mem_eq(added + added_len - len, text, len);
	ck_assert(preload_has(added, added_len, AGENT));
	ck_assert_uint_eq(preload_remove(added, added_len, AGENT, removed), expected_len);
	ck_assert_mem_eq(removed, expected, expected_len);
	return model.found > 0;
}

START_TEST(the_list_is_read_as_the_loader_reads_it)
{
	unsigned found = 0;

	srand(1);
	for (int i = 0; i < 20000; i++)
		found += check_random_text();
	ck_assert_uint_gt(found, 2000);
	ck_assert_uint_lt(found, 18000);
}
END_TEST

static const struct {
	const char *text;
	bool has;
	const char *removed;
} texts[] = {
	{ "", false, "" },
	{ AGENT, true, "" },
	{ AGENT "\n", true, "" },
	{ "/lib/x.so\n" AGENT, true, "/lib/x.so\n" },
	{ "/lib/x.so:" AGENT ":/lib/y.so\n", true, "/lib/x.so:/lib/y.so\n" },
	{ AGENT " " AGENT "\n", true, "" },
	{ AGENT "# mine\n", true, "# mine\n" },
	{ "# " AGENT "\n", false, "# " AGENT "\n" },
	{ "/lib/x.so # " AGENT "\n", false, "/lib/x.so # " AGENT "\n" },
	{ "# say\n" AGENT "\n", true, "# say\n" },
	{ AGENT "x", false, AGENT "x" },
	{ "/x" AGENT, false, "/x" AGENT },
};

START_TEST(texts_that_are_known)
{
	size_t len = strlen(texts[_i].text);
	char removed[256];

	ck_assert(preload_has(texts[_i].text, len, AGENT) == texts[_i].has);
	len = preload_remove(texts[_i].text, len, AGENT, removed);
	ck_assert_uint_eq(len, strlen(texts[_i].removed));
	ck_assert_mem_eq(removed, texts[_i].removed, len);
}
END_TEST

/* The file of the list. */

#define LINE    AGENT "\n"
#define FOREIGN "# ours: \xff\n/lib/x.so:/lib/y.so"

static void put_list(const char *text)
{
	if (text)
		put(MACHINE_PRELOAD, text, strlen(text));
	else
		unlink(below(MACHINE_PRELOAD));
}

static bool list_is(const char *text)
{
	return has_bytes(MACHINE_PRELOAD, text, text ? strlen(text) : 0);
}

static const char *const lists[] = { NULL, FOREIGN };

START_TEST(on_and_off_again)
{
	const char *text = lists[_i];
	struct stat st;

	put_list(text);
	ck_assert_int_eq(machine_switch(root, NULL), 0);
	ck_assert(list_is(text));
	ck_assert_int_eq(machine_switch(root, AGENT), 1);
	ck_assert(list_is(text ? LINE FOREIGN : LINE));
	ck_assert_int_eq(lstat(below(MACHINE_PRELOAD), &st), 0);
	ck_assert(st.st_mode == (S_IFREG | 0644) && st.st_uid == 0);
	ck_assert_int_eq(machine_switch(root, AGENT), 0);
	ck_assert(list_is(text ? LINE FOREIGN : LINE));
	ck_assert_int_eq(machine_switch(root, NULL), 1);
	ck_assert(list_is(text));
	ck_assert_int_eq(machine_switch(root, NULL), 0);
	ck_assert(list_is(text));
	ck_assert_uint_eq(count_entries(below("/etc")), text != NULL);
}
END_TEST

START_TEST(an_empty_list_is_none)
{
	put_list("");
	ck_assert_int_eq(machine_make_list(root), 0);
	ck_assert_int_eq(machine_switch(root, NULL), 0);
	ck_assert(list_is(""));
	ck_assert_int_eq(machine_switch(root, AGENT), 1);
	ck_assert(list_is(LINE));
	ck_assert_int_eq(machine_make_list(root), 0);
	machine_drop_empty_list(root);
	ck_assert(list_is(LINE));
	ck_assert_int_eq(machine_switch(root, NULL), 1);
	ck_assert(list_is(NULL));
	machine_drop_empty_list(root);
	ck_assert_int_eq(machine_make_list(root), 1);
	ck_assert(list_is(""));
	machine_drop_empty_list(root);
	ck_assert(list_is(NULL));
}
END_TEST

START_TEST(without_the_directory_nothing_is_made)
{
	ck_assert_int_eq(rmdir(below("/etc")), 0);
	ck_assert_int_eq(machine_switch(root, AGENT), -ENOENT);
	ck_assert_int_eq(machine_switch(root, NULL), -ENOENT);
	ck_assert_int_eq(machine_make_list(root), -ENOENT);
	machine_drop_empty_list(root);
	ck_assert(!is_there("/etc"));
}
END_TEST

static void be_link(const char *path)
{
	put("/target", LINE, strlen(LINE));
	ck_assert_int_eq(symlink(below("/target"), below(path)), 0);
}

static void be_dangling(const char *path)
{
	ck_assert_int_eq(symlink("nowhere", below(path)), 0);
}

static void be_directory(const char *path)
{
	ck_assert_int_eq(mkdir(below(path), 0755), 0);
}

static void be_fifo(const char *path)
{
	ck_assert_int_eq(mkfifo(below(path), 0644), 0);
}

static void be_null(const char *path)
{
	ck_assert_int_eq(mknod(below(path), S_IFCHR | 0666, makedev(1, 3)), 0);
}

static void be_foreign(const char *path)
{
	put(path, FOREIGN, strlen(FOREIGN));
	ck_assert_int_eq(chown(below(path), 65534, 0), 0);
}

static void be_of_group(const char *path)
{
	put(path, FOREIGN, strlen(FOREIGN));
	ck_assert_int_eq(chmod(below(path), 0664), 0);
}

static void be_of_all(const char *path)
{
	put(path, FOREIGN, strlen(FOREIGN));
	ck_assert_int_eq(chmod(below(path), 0646), 0);
}

static void be_large(const char *path)
{
	put(path, FOREIGN, strlen(FOREIGN));
	ck_assert_int_eq(truncate(below(path), PRELOAD_MAX + 1), 0);
}

static const struct {
	void (*make)(const char *path);
	int error;
} unfit[] = {
	{ be_link, -ELOOP },
	{ be_dangling, -ELOOP },
	{ be_directory, -EINVAL },
	{ be_fifo, -EINVAL },
	{ be_null, -ENODEV },
	{ be_foreign, -EPERM },
	{ be_of_group, -EPERM },
	{ be_of_all, -EPERM },
	{ be_large, -EFBIG },
};

START_TEST(what_is_no_list_of_root_is_left_as_it_is)
{
	static char buf[PRELOAD_MAX];
	struct stat before, after;
	bool there;

	unfit[_i].make(MACHINE_PRELOAD);
	ck_assert_int_eq(lstat(below(MACHINE_PRELOAD), &before), 0);
	ck_assert_int_eq(machine_switch(root, AGENT), unfit[_i].error);
	ck_assert_int_eq(machine_switch(root, NULL), unfit[_i].error);
	ck_assert_int_eq(machine_make_list(root), unfit[_i].error);
	ck_assert_int_eq(machine_read_preload(root, buf, sizeof(buf), &there), unfit[_i].error);
	ck_assert(there);
	machine_drop_empty_list(root);
	ck_assert_int_eq(lstat(below(MACHINE_PRELOAD), &after), 0);
	ck_assert_mem_eq(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
	ck_assert(before.st_ino == after.st_ino && before.st_mode == after.st_mode &&
		  before.st_uid == after.st_uid && before.st_size == after.st_size);
	ck_assert_uint_eq(count_entries(below("/etc")), 1);
	/* The control: a list that is root's, at the same place. */
	ck_assert_int_eq(remove(below(MACHINE_PRELOAD)), 0);
	put_list(FOREIGN);
	ck_assert_int_eq(machine_switch(root, AGENT), 1);
	ck_assert(list_is(LINE FOREIGN));
}
END_TEST

/* What is switched on can be switched off: the list with the agent in it is a list, too. */
START_TEST(a_list_of_the_largest_size)
{
	static char list[PRELOAD_MAX + 1];
	const size_t room = PRELOAD_MAX - strlen(LINE);
	bool there;

	memset(list, '\n', sizeof(list));
	put(MACHINE_PRELOAD, list, PRELOAD_MAX);
	ck_assert_int_eq(machine_read_preload(root, list, PRELOAD_MAX, &there), PRELOAD_MAX);
	ck_assert_int_eq(machine_switch(root, NULL), 0);
	ck_assert_int_eq(machine_switch(root, AGENT), -EFBIG);
	ck_assert(has_bytes(MACHINE_PRELOAD, list, PRELOAD_MAX));
	put(MACHINE_PRELOAD, list, room + 1);
	ck_assert_int_eq(machine_switch(root, AGENT), -EFBIG);
	ck_assert(has_bytes(MACHINE_PRELOAD, list, room + 1));
	put(MACHINE_PRELOAD, list, room);
	ck_assert_int_eq(machine_switch(root, AGENT), 1);
	ck_assert_int_eq(machine_switch(root, NULL), 1);
	ck_assert(has_bytes(MACHINE_PRELOAD, list, room));
	ck_assert_uint_eq(count_entries(below("/etc")), 1);
}
END_TEST

/* The compiled policy. */

#define LOCK MEMSEAL_CONF_DIR "/.lock"

static union policy_block block;

START_TEST(a_policy_is_written_compared_and_taken_away)
{
	memset(block.bytes, 'p', sizeof(block.bytes));
	ck_assert_int_eq(machine_compare_policy(root, &block, 64), MACHINE_POLICY_NONE);
	ck_assert_int_eq(machine_compare_policy(root, &block, 0), MACHINE_POLICY_CURRENT);
	ck_assert_int_eq(machine_write_policy(root, &block, 0), 0);
	ck_assert_int_eq(machine_write_policy(root, &block, 64), 0);
	ck_assert(has_bytes(POLICY_COMPILED, block.bytes, 64));
	ck_assert_int_eq(machine_compare_policy(root, &block, 64), MACHINE_POLICY_CURRENT);
	ck_assert_int_eq(machine_compare_policy(root, &block, 63), MACHINE_POLICY_OTHER);
	ck_assert_int_eq(machine_compare_policy(root, &block, 62), MACHINE_POLICY_OTHER);
	ck_assert_int_eq(machine_compare_policy(root, &block, 65), MACHINE_POLICY_OTHER);
	ck_assert_int_eq(machine_compare_policy(root, &block, 0), MACHINE_POLICY_OTHER);
	block.bytes[63] = 'q';
	ck_assert_int_eq(machine_compare_policy(root, &block, 64), MACHINE_POLICY_OTHER);
	ck_assert_int_eq(machine_write_policy(root, &block, 64), 0);
	ck_assert(has_bytes(POLICY_COMPILED, block.bytes, 64));
	ck_assert_int_eq(machine_write_policy(root, &block, 0), 0);
	ck_assert_uint_eq(count_entries(below(MEMSEAL_CONF_DIR)), 0);
}
END_TEST

START_TEST(a_policy_that_cannot_be_read_is_damaged)
{
	if (unfit[_i].error == -EFBIG)
		return; /* then it is just another one */
	unfit[_i].make(POLICY_COMPILED);
	ck_assert_int_eq(machine_compare_policy(root, &block, 64), MACHINE_POLICY_DAMAGED);
	if (unfit[_i].make == be_directory)
		ck_assert_int_eq(rmdir(below(POLICY_COMPILED)), 0);
	/* Whatever it was, it is replaced: nothing of it is followed or written to. */
	ck_assert_int_eq(machine_write_policy(root, &block, 64), 0);
	ck_assert_int_eq(machine_compare_policy(root, &block, 64), MACHINE_POLICY_CURRENT);
	if (unfit[_i].make == be_link)
		ck_assert(has_bytes("/target", LINE, strlen(LINE)));
}
END_TEST

START_TEST(a_policy_that_users_cannot_find)
{
	ck_assert_int_eq(machine_write_policy(root, &block, 64), 0);
	ck_assert_int_eq(chmod(below(MEMSEAL_CONF_DIR), 0700), 0);
	ck_assert_int_eq(machine_compare_policy(root, &block, 64), MACHINE_POLICY_DAMAGED);
	ck_assert_int_eq(machine_write_policy(root, &block, 32), -EACCES);
	ck_assert(has_bytes(POLICY_COMPILED, block.bytes, 64));
	ck_assert_int_eq(chmod(below(MEMSEAL_CONF_DIR), 0711), 0);
	ck_assert_int_eq(machine_compare_policy(root, &block, 64), MACHINE_POLICY_CURRENT);
	ck_assert_int_eq(machine_write_policy(root, &block, 32), 0);
	/* Without one there is nothing to find. */
	ck_assert_int_eq(chmod(below(MEMSEAL_CONF_DIR), 0700), 0);
	ck_assert_int_eq(machine_write_policy(root, &block, 0), 0);
	ck_assert(!is_there(POLICY_COMPILED));
	ck_assert_int_eq(machine_compare_policy(root, &block, 0), MACHINE_POLICY_CURRENT);
}
END_TEST

START_TEST(the_lock_makes_the_directory_of_the_policy)
{
	struct stat st;
	int first, second;

	ck_assert_int_eq(rmdir(below(MEMSEAL_CONF_DIR)), 0);
	ck_assert_int_eq(machine_write_policy(root, &block, 64), -ENOENT);
	first = machine_lock(root);
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(stat(below(MEMSEAL_CONF_DIR), &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
	ck_assert_int_eq(machine_write_policy(root, &block, 64), 0);
	second = open(below(LOCK), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(second, 0);
	ck_assert(flock(second, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	close(first);
	ck_assert_int_eq(flock(second, LOCK_EX | LOCK_NB), 0);
	close(second);
	second = machine_lock(root);
	ck_assert_int_ge(second, 0);
	close(second);
}
END_TEST

/* Whatever a user can open, they can lock. */
static void be_a_nuisance(int told)
{
	int dir, file;

	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		_exit(1);
	dir = open(below(MEMSEAL_CONF_DIR), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = open(below(LOCK), O_RDONLY | O_CLOEXEC);
	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
		_exit(2);
	if (file >= 0 || errno != EACCES)
		_exit(3);
	if (write(told, "x", 1) != 1)
		_exit(4);
	pause();
}

START_TEST(no_user_can_hold_the_lock)
{
	int told[2], fd = machine_lock(root);
	pid_t child;
	char c;

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(pipe(told), 0);
	child = fork();
	if (child == 0)
		be_a_nuisance(told[1]);
	close(told[1]);
	ck_assert_int_eq(read(told[0], &c, 1), 1);
	fd = machine_lock(root);
	ck_assert_int_ge(fd, 0);
	close(fd);
	close(told[0]);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* What changes a file, and what the file has before and after. */

static int switch_on(void)
{
	return machine_switch(root, AGENT);
}

static int switch_off(void)
{
	return machine_switch(root, NULL);
}

static int make_list(void)
{
	return machine_make_list(root);
}

static int write_policy(void)
{
	memcpy(block.bytes, FOREIGN, strlen(FOREIGN));
	return machine_write_policy(root, &block, strlen(FOREIGN));
}

static int remove_policy(void)
{
	return machine_write_policy(root, &block, 0);
}

static const struct change {
	int (*make)(void);
	const char *path, *before, *after;
	int done;       /* its answer */
	unsigned calls; /* it makes at least so many */
} changes[] = {
	{ switch_on, MACHINE_PRELOAD, NULL, LINE, 1, 9 },
	{ switch_on, MACHINE_PRELOAD, FOREIGN, LINE FOREIGN, 1, 11 },
	{ switch_off, MACHINE_PRELOAD, LINE FOREIGN, FOREIGN, 1, 11 },
	{ switch_off, MACHINE_PRELOAD, LINE, NULL, 1, 6 },
	{ make_list, MACHINE_PRELOAD, NULL, "", 1, 8 },
	{ write_policy, POLICY_COMPILED, NULL, FOREIGN, 0, 8 },
	{ write_policy, POLICY_COMPILED, LINE, FOREIGN, 0, 8 },
	{ remove_policy, POLICY_COMPILED, FOREIGN, NULL, 0, 3 },
};

static void put_before(const struct change *change)
{
	if (change->before)
		put(change->path, change->before, strlen(change->before));
	else
		unlink(below(change->path));
}

static bool has(const struct change *change, const char *bytes)
{
	return has_bytes(change->path, bytes, bytes ? strlen(bytes) : 0);
}

/* Nothing lies beside it. */
static bool is_alone(const struct change *change)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", below(change->path));
	*strrchr(dir, '/') = '\0';
	return count_entries(dir) == is_there(change->path);
}

static unsigned long count_calls(const struct change *change)
{
	put_before(change);
	fault_arm(0, 0);
	ck_assert_int_eq(change->make(), change->done);
	ck_assert(has(change, change->after) && is_alone(change));
	return fault_count();
}

static void change_with_fault(const struct change *change, unsigned long nth, int error)
{
	unsigned descriptors = count_descriptors();
	int r;

	put_before(change);
	fault_arm(nth, error);
	r = change->make();
	fault_arm(0, 0);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	ck_assert(is_alone(change));
	/* Only an interrupted call is made again. */
	ck_assert(r == -error || (error == EINTR && r == change->done));
	ck_assert(has(change, change->after) || (r < 0 && has(change, change->before)));
	r = change->make();
	ck_assert(r == change->done || r == 0);
	ck_assert(has(change, change->after) && is_alone(change));
}

START_TEST(each_system_call_fails_once)
{
	static const int errors[] = { EIO, EACCES, EPERM, EMFILE, ENOMEM, ENOSPC, EROFS, EINTR };
	unsigned long calls = count_calls(&changes[_i]);

	ck_assert_uint_ge(calls, changes[_i].calls);
	for (unsigned long nth = 1; nth <= calls; nth++)
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
			change_with_fault(&changes[_i], nth, errors[i]);
}
END_TEST

static void end_here(void)
{
	_exit(9);
}

/* Ends with the power, as far as the file system is concerned. */
static void change_until(const struct change *change, unsigned long nth)
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		fault_meet(nth, end_here);
		(void)change->make();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

START_TEST(the_power_fails_at_each_system_call)
{
	const struct change *change = &changes[_i];
	unsigned long calls = count_calls(change);
	unsigned old = 0, new = 0;
	int r;

	for (unsigned long nth = 1; nth <= calls; nth++) {
		put_before(change);
		change_until(change, nth);
		ck_assert(has(change, change->before) || has(change, change->after));
		old += has(change, change->before);
		new += has(change, change->after);
		/* Nothing that is to last goes. */
		machine_clean(root);
		ck_assert(is_alone(change));
		ck_assert(has(change, change->before) || has(change, change->after));
		r = change->make();
		ck_assert(r == change->done || r == 0);
		ck_assert(has(change, change->after) && is_alone(change));
	}
	ck_assert(old > 0 && new > 0);
}
END_TEST

/* The agent's file. */

static char *agent;
static size_t agent_len;

static void read_agent(void)
{
	FILE *file = fopen(TEST_PLUGIN_DIR "/../libmemseal-machine.so", "r");
	struct stat st;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fstat(fileno(file), &st), 0);
	agent_len = (size_t)st.st_size;
	agent = malloc(agent_len);
	ck_assert_ptr_nonnull(agent);
	ck_assert_uint_eq(fread(agent, 1, agent_len, file), agent_len);
	fclose(file);
}

static void setup_agent(void)
{
	setup();
	read_agent();
	put(AGENT, agent, agent_len);
	put(machine_loader(), "", 0);
	ck_assert_int_eq(machine_check_agent(root), 0);
}

static void teardown_agent(void)
{
	free(agent);
	teardown();
}

/* Up to where the loader maps it. */
static size_t end_of_segments(void)
{
	const ElfW(Ehdr) *header = (const void *)agent;
	const ElfW(Phdr) *segments = (const void *)(agent + header->e_phoff);
	size_t end = 0;

	for (unsigned i = 0; i < header->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD &&
			segments[i].p_offset + segments[i].p_filesz > end)
			end = segments[i].p_offset + segments[i].p_filesz;
	return end;
}

START_TEST(an_agent_that_is_cut_off)
{
	size_t end = end_of_segments();

	ck_assert_uint_gt(end, 4096);
	for (size_t len = 0; len < agent_len; len += 4096) {
		put(AGENT, agent, len);
		ck_assert_int_eq(machine_check_agent(root), len < end ? -ENOEXEC : 0);
	}
	put(AGENT, agent, end - 1);
	ck_assert_int_eq(machine_check_agent(root), -ENOEXEC);
	put(AGENT, agent, end);
	ck_assert_int_eq(machine_check_agent(root), 0);
	put(AGENT, agent, sizeof(ElfW(Ehdr)) - 1);
	ck_assert_int_eq(machine_check_agent(root), -ENOEXEC);
}
END_TEST

static const struct {
	size_t at;
	unsigned char change; /* of the byte's bits */
} damages[] = {
	{ 0, 0xff },
	{ EI_CLASS, ELFCLASS32 ^ ELFCLASS64 },
	{ EI_DATA, ELFDATA2LSB ^ ELFDATA2MSB },
	{ offsetof(ElfW(Ehdr), e_type), ET_DYN ^ ET_EXEC },
	{ offsetof(ElfW(Ehdr), e_machine), 0xff },
	{ offsetof(ElfW(Ehdr), e_phoff) + 3, 0xff },
	{ offsetof(ElfW(Ehdr), e_phnum) + 1, 0xff },
};

START_TEST(an_agent_of_another_machine)
{
	agent[damages[_i].at] ^= (char)damages[_i].change;
	put(AGENT, agent, agent_len);
	ck_assert_int_eq(machine_check_agent(root), -ENOEXEC);
	agent[damages[_i].at] ^= (char)damages[_i].change;
	put(AGENT, agent, agent_len);
	ck_assert_int_eq(machine_check_agent(root), 0);
}
END_TEST

START_TEST(a_text_is_no_agent)
{
	memset(agent, 'x', agent_len);
	put(AGENT, agent, agent_len);
	ck_assert_int_eq(machine_check_agent(root), -ENOEXEC);
}
END_TEST

static const struct {
	mode_t mode;
	int error;
} modes[] = {
	{ 0644, 0 },
	{ 0755, 0 },
	{ 0444, 0 },
	{ 0664, -EPERM },
	{ 0646, -EPERM },
	{ 0640, -EACCES },
	{ 0600, -EACCES },
};

START_TEST(modes_of_an_agent)
{
	ck_assert_int_eq(chmod(below(AGENT), modes[_i].mode), 0);
	ck_assert_int_eq(machine_check_agent(root), modes[_i].error);
}
END_TEST

START_TEST(an_agent_of_another_user)
{
	ck_assert_int_eq(chown(below(AGENT), 65534, 0), 0);
	ck_assert_int_eq(machine_check_agent(root), -EPERM);
	ck_assert_int_eq(chown(below(AGENT), 0, 65534), 0);
	ck_assert_int_eq(machine_check_agent(root), 0);
}
END_TEST

START_TEST(an_agent_that_others_can_replace)
{
	char path[PATH_MAX];
	unsigned above = 0;

	snprintf(path, sizeof(path), "%s", below(AGENT));
	while (strlen(path) > strlen(root)) {
		*strrchr(path, '/') = '\0';
		ck_assert_int_eq(chmod(path, 0775), 0);
		ck_assert_int_eq(machine_check_agent(root), -EPERM);
		ck_assert_int_eq(chmod(path, 0757), 0);
		ck_assert_int_eq(machine_check_agent(root), -EPERM);
		ck_assert_int_eq(chmod(path, 0755), 0);
		ck_assert_int_eq(chown(path, 65534, 0), 0);
		ck_assert_int_eq(machine_check_agent(root), -EPERM);
		ck_assert_int_eq(chown(path, 0, 65534), 0);
		ck_assert_int_eq(machine_check_agent(root), 0);
		above++;
	}
	ck_assert_uint_ge(above, 2);
}
END_TEST

START_TEST(what_is_no_regular_file_is_no_agent)
{
	ck_assert_int_eq(rename(below(AGENT), below("/target")), 0);
	ck_assert_int_eq(machine_check_agent(root), -ENOENT);
	ck_assert_int_eq(symlink(below("/target"), below(AGENT)), 0);
	ck_assert_int_eq(machine_check_agent(root), -ELOOP);
	ck_assert_int_eq(unlink(below(AGENT)), 0);
	be_fifo(AGENT);
	ck_assert_int_eq(machine_check_agent(root), -EINVAL);
	ck_assert_int_eq(unlink(below(AGENT)), 0);
	be_directory(AGENT);
	ck_assert_int_eq(machine_check_agent(root), -EINVAL);
	ck_assert_int_eq(rmdir(below(AGENT)), 0);
	ck_assert_int_eq(rename(below("/target"), below(AGENT)), 0);
	ck_assert_int_eq(machine_check_agent(root), 0);
}
END_TEST

/* A loader that is on another file system than the agent. */
START_TEST(an_agent_on_another_file_system)
{
	ck_assert_int_eq(unlink(below(machine_loader())), 0);
	ck_assert_int_eq(machine_check_agent(root), -ENOENT);
	ck_assert_int_eq(symlink("/proc/version", below(machine_loader())), 0);
	ck_assert_int_eq(machine_check_agent(root), -EXDEV);
	ck_assert_int_eq(unlink(below(machine_loader())), 0);
	ck_assert_int_eq(symlink(below(AGENT), below(machine_loader())), 0);
	ck_assert_int_eq(machine_check_agent(root), 0);
}
END_TEST

START_TEST(an_agent_on_a_file_system_without_programs)
{
	static const unsigned long flags[] = { MS_NOEXEC, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		ck_assert_int_eq(umount(root), 0);
		mount_root(flags[i]);
		put(AGENT, agent, agent_len);
		put(machine_loader(), "", 0);
		ck_assert_int_eq(machine_check_agent(root), flags[i] ? -ENOTSUP : 0);
	}
}
END_TEST

/* What could not be found out is not in order. */
START_TEST(each_question_about_the_agent_fails_once)
{
	static const int errors[] = { EIO, EACCES, EMFILE, ENOMEM, ENOENT, EINTR };
	unsigned descriptors = count_descriptors();
	unsigned long calls;

	fault_arm(0, 0);
	ck_assert_int_eq(machine_check_agent(root), 0);
	calls = fault_count();
	ck_assert_uint_ge(calls, 4);
	for (unsigned long nth = 1; nth <= calls; nth++)
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			fault_arm(nth, errors[i]);
			ck_assert_int_eq(machine_check_agent(root), -errors[i]);
			ck_assert_uint_eq(count_descriptors(), descriptors);
		}
	fault_arm(0, 0);
	ck_assert_int_eq(machine_check_agent(root), 0);
}
END_TEST

START_TEST(a_root_that_is_too_long)
{
	static char name[2 * PATH_MAX], buf[16];
	bool there;

	memset(name, 'x', sizeof(name) - 1);
	ck_assert_int_eq(machine_check_agent(name), -ENAMETOOLONG);
	ck_assert_int_eq(machine_switch(name, AGENT), -ENAMETOOLONG);
	ck_assert_int_eq(machine_make_list(name), -ENAMETOOLONG);
	ck_assert_int_eq(machine_lock(name), -ENAMETOOLONG);
	ck_assert_int_eq(machine_write_policy(name, &block, 64), -ENAMETOOLONG);
	ck_assert_int_eq(machine_read_preload(name, buf, sizeof(buf), &there), -ENAMETOOLONG);
	ck_assert(!machine_runs_32_bits(name));
	machine_drop_empty_list(name);
}
END_TEST

static void add_files(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, on_and_off_again, 0, ARRAY_SIZE(lists));
	tcase_add_test(tcase, an_empty_list_is_none);
	tcase_add_test(tcase, without_the_directory_nothing_is_made);
	tcase_add_loop_test(tcase, what_is_no_list_of_root_is_left_as_it_is, 0, ARRAY_SIZE(unfit));
	tcase_add_test(tcase, a_list_of_the_largest_size);
	tcase_add_test(tcase, a_policy_is_written_compared_and_taken_away);
	tcase_add_loop_test(tcase, a_policy_that_cannot_be_read_is_damaged, 0, ARRAY_SIZE(unfit));
	tcase_add_test(tcase, a_policy_that_users_cannot_find);
	tcase_add_test(tcase, the_lock_makes_the_directory_of_the_policy);
	tcase_add_test(tcase, no_user_can_hold_the_lock);
	tcase_add_loop_test(tcase, each_system_call_fails_once, 0, ARRAY_SIZE(changes));
	tcase_add_loop_test(tcase, the_power_fails_at_each_system_call, 0, ARRAY_SIZE(changes));
	tcase_add_test(tcase, a_root_that_is_too_long);
}

/* The loader, asked for $LIB. */

static const struct {
	const char *text; /* of a loader that is a script; NULL: none is there */
	int result;
	const char *lib;
} loaders[] = {
	{ "#!/bin/sh\necho 'dl_dst_lib=\"lib64\"'\n", 0, "lib64" },
	{ "#!/bin/sh\necho x\necho 'dl_dst_lib=\"a/b\"'\necho 'dl_dst_lib=\"c\"'\n", 0, "a/b" },
	{ "#!/bin/sh\n[ \"$*\" = --list-diagnostics ] && echo 'dl_dst_lib=\"lib\"'\n", 0, "lib" },
	{ "#!/bin/sh\necho 'dl_dst_lib=\"lib'\n", -ENODATA, NULL },
	{ "#!/bin/sh\necho 'dl_dst_lib=\"0123456789012345678901234567890\"'\n", -ENODATA, NULL },
	{ "#!/bin/sh\nexit 127\n", -ENODATA, NULL },
	{ "\177ELF\1\1\1, of another machine", -ENOENT, NULL },
	{ NULL, -ENODATA, NULL },
};

START_TEST(a_loader_says_what_it_puts_for_lib)
{
	char lib[16] = "as before";

	if (loaders[_i].text) {
		put("/loader", loaders[_i].text, strlen(loaders[_i].text));
		ck_assert_int_eq(chmod(below("/loader"), 0755), 0);
	}
	ck_assert_int_eq(entry_loader_lib(below("/loader"), lib, sizeof(lib)), loaders[_i].result);
	ck_assert_str_eq(lib, loaders[_i].lib ? loaders[_i].lib : "as before");
}
END_TEST

START_TEST(the_entry_is_one_or_the_other)
{
	const char *entry = entry_text();

	ck_assert(strcmp(entry, ENTRY_LIB) == 0 || strcmp(entry, MEMSEAL_MACHINE_PATH) == 0);
	ck_assert(entry_is_in(entry, strlen(entry)));
	ck_assert(entry_is_in(AGENT, strlen(AGENT)));
	ck_assert(!entry_is_in(AGENT "x", strlen(AGENT "x")));
	/* Whichever is there, the other one takes its place. */
	put_list(ENTRY_LIB "\n" FOREIGN);
	ck_assert_int_eq(machine_switch(root, AGENT), 1);
	ck_assert(list_is(LINE FOREIGN));
	ck_assert_int_eq(machine_switch(root, ENTRY_LIB), 1);
	ck_assert(list_is(ENTRY_LIB "\n" FOREIGN));
	put_list(AGENT ":" ENTRY_LIB "\n" FOREIGN);
	ck_assert_int_eq(machine_switch(root, NULL), 1);
	ck_assert(list_is(FOREIGN));
}
END_TEST

static void add_agent(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup_agent, teardown_agent);
	tcase_add_test(tcase, an_agent_that_is_cut_off);
	tcase_add_loop_test(tcase, an_agent_of_another_machine, 0, ARRAY_SIZE(damages));
	tcase_add_test(tcase, a_text_is_no_agent);
	tcase_add_loop_test(tcase, modes_of_an_agent, 0, ARRAY_SIZE(modes));
	tcase_add_test(tcase, an_agent_of_another_user);
	tcase_add_test(tcase, an_agent_that_others_can_replace);
	tcase_add_test(tcase, what_is_no_regular_file_is_no_agent);
	tcase_add_test(tcase, an_agent_on_another_file_system);
	tcase_add_test(tcase, an_agent_on_a_file_system_without_programs);
	tcase_add_test(tcase, each_question_about_the_agent_fails_once);
}

int main(void)
{
	Suite *suite = suite_create("machine");
	TCase *text = tcase_create("text"), *files = tcase_create("files"),
	      *agents = tcase_create("agent"), *entries = tcase_create("entry");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root, whose files these are");
		return EXIT_SUCCESS;
	}
	tcase_add_checked_fixture(entries, setup, teardown);
	tcase_add_loop_test(entries, a_loader_says_what_it_puts_for_lib, 0, ARRAY_SIZE(loaders));
	tcase_add_test(entries, the_entry_is_one_or_the_other);
	suite_add_tcase(suite, entries);
	tcase_add_test(text, the_list_is_read_as_the_loader_reads_it);
	tcase_add_loop_test(text, texts_that_are_known, 0, ARRAY_SIZE(texts));
	add_files(files);
	add_agent(agents);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, agents);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
