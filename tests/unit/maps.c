/* SPDX-License-Identifier: MIT */
/* The reader of /proc/PID/maps and smaps: captured texts, broken ones, and this process's own. */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sys.h"
#include "model/maps.h"

/* A smaps text captured on Linux 6.18: every kind of mapping that a program can make there. */
static char sample[64 * 1024];
static size_t sample_len;

static size_t read_file(const char *path, char *buf, size_t size)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	size_t len = 0;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	while ((n = sys_read(fd, buf + len, size - len)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_lt(len, size);
	return len;
}

static void load_sample(void)
{
	sample_len = read_file(TEST_DATA "/sample.smaps", sample, sizeof(sample));
}

static bool name_is(const struct mapping *mapping, const char *name)
{
	return mapping->name_len == strlen(name) && !memcmp(mapping->name, name, mapping->name_len);
}

/* The answer to a text of one line. */
static int parse_one(const char *text, enum maps_format format, struct mapping *ret)
{
	struct maps maps;

	maps_init(&maps, text, strlen(text), format);
	return maps_next(&maps, ret);
}

/* Reads on to the end; returns the last answer and how many mappings there were. */
static int parse_all(const char *text, size_t len, enum maps_format format, size_t *ret_count)
{
	struct mapping mapping;
	struct maps maps;
	uint64_t last = 0;
	int r;

	*ret_count = 0;
	maps_init(&maps, text, len, format);
	while ((r = maps_next(&maps, &mapping)) == 1) {
		ck_assert_uint_ge(mapping.start, last);
		ck_assert_uint_lt(mapping.start, mapping.end);
		last = mapping.end;
		++*ret_count;
	}
	ck_assert_int_eq(maps_next(&maps, &mapping), r);
	return r;
}

START_TEST(test_fields)
{
	struct mapping m;

	ck_assert_int_eq(parse_one("7f4e1bbe3000-7f4e1bd39000 r-xp 00026000 fe:1a 332835"
				   "                     /usr/lib/libc.so.6\n",
				 MAPS_PLAIN, &m),
		1);
	ck_assert_uint_eq(m.start, 0x7f4e1bbe3000);
	ck_assert_uint_eq(m.end, 0x7f4e1bd39000);
	ck_assert_uint_eq(m.prot, MAPPING_READ | MAPPING_EXEC);
	ck_assert(!m.shared && !m.deleted && !m.sealed && !m.may_write);
	ck_assert_uint_eq(m.offset, 0x26000);
	ck_assert_uint_eq(m.dev_major, 0xfe);
	ck_assert_uint_eq(m.dev_minor, 0x1a);
	ck_assert_uint_eq(m.inode, 332835);
	ck_assert_int_eq(m.kind, MAPPING_FILE);
	ck_assert(name_is(&m, "/usr/lib/libc.so.6"));
}
END_TEST

static const struct {
	const char *line;
	uint64_t start, end;
	enum mapping_kind kind;
	unsigned prot;
	bool shared, deleted;
	const char *name;
} lines[] = {
#define MAIN "55c98dfc6000-55c98dfc7000 "
#define AT   0x55c98dfc6000, 0x55c98dfc7000
#define RW   (MAPPING_READ | MAPPING_WRITE)
	{ MAIN "rw-p 00000000 00:00 0 ", AT, MAPPING_ANON, RW, false, false, "" },
	{ MAIN "rw-p 00000000 00:00 0", AT, MAPPING_ANON, RW, false, false, "" },
	{ MAIN "---p 00000000 00:00 0 ", AT, MAPPING_ANON, 0, false, false, "" },
	{ MAIN "rw-p 00000000 00:00 0   [heap]", AT, MAPPING_HEAP, RW, false, false, "[heap]" },
	{ MAIN "rw-p 00000000 00:00 0   [stack]", AT, MAPPING_STACK, RW, false, false, "[stack]" },
	{ MAIN "r--p 00000000 00:00 0   [vvar]", AT, MAPPING_VVAR, MAPPING_READ, false, false,
		"[vvar]" },
	{ MAIN "r--p 00000000 00:00 0   [vvar_vclock]", AT, MAPPING_VVAR, MAPPING_READ, false,
		false, "[vvar_vclock]" },
	{ MAIN "r-xp 00000000 00:00 0   [vdso]", AT, MAPPING_VDSO, MAPPING_READ | MAPPING_EXEC,
		false, false, "[vdso]" },
	{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]",
		0xffffffffff600000, 0xffffffffff601000, MAPPING_VSYSCALL, MAPPING_EXEC, false,
		false, "[vsyscall]" },
	{ MAIN "r-xp 00000000 00:00 0   [uprobes]", AT, MAPPING_SPECIAL,
		MAPPING_READ | MAPPING_EXEC, false, false, "[uprobes]" },
	{ MAIN "r-xp 00000000 00:00 0   [vdso2]", AT, MAPPING_SPECIAL, MAPPING_READ | MAPPING_EXEC,
		false, false, "[vdso2]" },
	{ MAIN "rw-p 00000000 00:00 0   [anon:a name: (deleted)]", AT, MAPPING_ANON, RW, false,
		false, "[anon:a name: (deleted)]" },
	{ MAIN "rw-s 00000000 00:01 1028   [anon_shmem:a name]", AT, MAPPING_SHM, RW, true, false,
		"[anon_shmem:a name]" },
	{ MAIN "rw-s 00000000 00:01 1025   /memfd:a name (deleted)", AT, MAPPING_MEMFD, RW, true,
		true, "/memfd:a name" },
	{ MAIN "rw-s 00000000 00:01 1025   /memfd: (deleted)", AT, MAPPING_MEMFD, RW, true, true,
		"/memfd:" },
	{ MAIN "rw-s 00000000 fe:01 1025   /memfd:a file", AT, MAPPING_FILE, RW, true, false,
		"/memfd:a file" },
	{ MAIN "rw-s 00000000 00:0e 15073   /secretmem (deleted)", AT, MAPPING_MEMFD, RW, true,
		true, "/secretmem" },
	{ MAIN "rw-s 00000000 fe:00 15073   /secretmemory (deleted)", AT, MAPPING_FILE, RW, true,
		true, "/secretmemory" },
	{ MAIN "rw-s 00000000 00:01 0   /SYSV00000000 (deleted)", AT, MAPPING_SHM, RW, true, true,
		"/SYSV00000000" },
	{ MAIN "rw-s 00000000 00:01 1030   /dev/zero (deleted)", AT, MAPPING_SHM, RW, true, true,
		"/dev/zero" },
	{ MAIN "rw-p 00000000 00:06 4   /dev/zero", AT, MAPPING_FILE, RW, false, false,
		"/dev/zero" },
	{ MAIN "rw-p 00000000 00:0f 29   /anon_hugepage (deleted)", AT, MAPPING_SHM, RW, false,
		true, "/anon_hugepage" },
	{ MAIN "rw-s 00000000 00:1d 29   /dev/hugepages/pool", AT, MAPPING_FILE, RW, true, false,
		"/dev/hugepages/pool" },
	{ MAIN "rw-s 00000000 00:10 15077   anon_inode:[io_uring]", AT, MAPPING_FILE, RW, true,
		false, "anon_inode:[io_uring]" },
	{ MAIN "r--s 00000000 fe:00 7   /a b/two\\012lines", AT, MAPPING_FILE, MAPPING_READ, true,
		false, "/a b/two\\012lines" },
	{ MAIN "r--s 00000000 fe:00 7   /ends in blank ", AT, MAPPING_FILE, MAPPING_READ, true,
		false, "/ends in blank " },
	{ MAIN "r--s 00000000 fe:00 7   /gone (deleted)", AT, MAPPING_FILE, MAPPING_READ, true,
		true, "/gone" },
	{ MAIN "r--s 00000000 fe:00 7   /gone (deleted) (deleted)", AT, MAPPING_FILE, MAPPING_READ,
		true, true, "/gone (deleted)" },
	{ MAIN "r--s 00000000 fe:00 7   /not gone (deleted)?", AT, MAPPING_FILE, MAPPING_READ, true,
		false, "/not gone (deleted)?" },
	{ "08048000-0804a000 r-xp 00000000 fe:00 10953188   /bin/i386", 0x8048000, 0x804a000,
		MAPPING_FILE, MAPPING_READ | MAPPING_EXEC, false, false, "/bin/i386" },
	{ "00000000-00001000 r-xp 00000000 00:00 0 ", 0, 0x1000, MAPPING_ANON,
		MAPPING_READ | MAPPING_EXEC, false, false, "" },
};

START_TEST(test_line)
{
	char text[256];
	struct mapping m;

	(void)snprintf(text, sizeof(text), "%s\n", lines[_i].line);
	ck_assert_int_eq(parse_one(text, MAPS_PLAIN, &m), 1);
	ck_assert_uint_eq(m.start, lines[_i].start);
	ck_assert_uint_eq(m.end, lines[_i].end);
	ck_assert_int_eq(m.kind, lines[_i].kind);
	ck_assert_uint_eq(m.prot, lines[_i].prot);
	ck_assert_int_eq(m.shared, lines[_i].shared);
	ck_assert_int_eq(m.deleted, lines[_i].deleted);
	ck_assert_msg(name_is(&m, lines[_i].name), "name: %.*s", (int)m.name_len, m.name);
}
END_TEST

/* Each differs in one place from a line that parses: "1000-2000 r-xp 00000000 fe:00 7   /f\n". */
static const char *const broken[] = {
	"\n",
	" \n",
	"1000-2000 r-xp 00000000 fe:00 7   /f", /* cut off */
	"1000-2000 r-xp 00000000 fe:00 7   /\0f\n",
	"-2000 r-xp 00000000 fe:00 7   /f\n",
	"1000- r-xp 00000000 fe:00 7   /f\n",
	"1000 2000 r-xp 00000000 fe:00 7   /f\n",
	" 1000-2000 r-xp 00000000 fe:00 7   /f\n",
	"0x1000-2000 r-xp 00000000 fe:00 7   /f\n",
	"A000-B000 r-xp 00000000 fe:00 7   /f\n",
	"100g-2000 r-xp 00000000 fe:00 7   /f\n",
	"1001-2000 r-xp 00000000 fe:00 7   /f\n",
	"1000-2800 r-xp 00000000 fe:00 7   /f\n",
	"2000-2000 r-xp 00000000 fe:00 7   /f\n",
	"3000-2000 r-xp 00000000 fe:00 7   /f\n",
	"10000000000001000-2000 r-xp 00000000 fe:00 7   /f\n",
	"1000-10000000000002000 r-xp 00000000 fe:00 7   /f\n",
	"1000-2000  r-xp 00000000 fe:00 7   /f\n",
	"1000-2000 r-x 00000000 fe:00 7   /f\n",
	"1000-2000 rxwp 00000000 fe:00 7   /f\n",
	"1000-2000 R-xp 00000000 fe:00 7   /f\n",
	"1000-2000 r-x- 00000000 fe:00 7   /f\n",
	"1000-2000 r-xP 00000000 fe:00 7   /f\n",
	"1000-2000 r-xpp 00000000 fe:00 7   /f\n",
	"1000-2000 r-xp fe:00 7   /f\n",
	"1000-2000 r-xp 00000800 fe:00 7   /f\n",
	"1000-2000 r-xp 10000000000000000 fe:00 7   /f\n",
	"1000-2000 r-xp 00000000 fe00 7   /f\n",
	"1000-2000 r-xp 00000000 100000000:00 7   /f\n",
	"1000-2000 r-xp 00000000 fe:100000000 7   /f\n",
	"1000-2000 r-xp 00000000 fe: 7   /f\n",
	"1000-2000 r-xp 00000000 fe:00\n",
	"1000-2000 r-xp 00000000 fe:00 \n",
	"1000-2000 r-xp 00000000 fe:00 -7   /f\n",
	"1000-2000 r-xp 00000000 fe:00 7/f\n",
	"1000-2000 r-xp 00000000 fe:00 18446744073709551616   /f\n",
	"1000-2000 r-xp 00000000 fe:00 28446744073709551610   /f\n",
};

START_TEST(test_broken_line)
{
	struct mapping m, before;
	/* The NUL stands in the middle of one of them. */
	size_t len = strlen(broken[_i]);
	struct maps maps;

	ck_assert_int_eq(parse_one("1000-2000 r-xp 00000000 fe:00 7   /f\n", MAPS_PLAIN, &m), 1);
	memset(&m, 0xa5, sizeof(m));
	before = m;
	maps_init(&maps, broken[_i], broken[_i][len - 1] == '/' ? len + 3 : len, MAPS_PLAIN);
	ck_assert_int_eq(maps_next(&maps, &m), -EBADMSG);
	ck_assert_int_eq(maps_next(&maps, &m), -EBADMSG);
	ck_assert_mem_eq(&m, &before, sizeof(m));
}
END_TEST

START_TEST(test_largest_numbers)
{
	struct mapping m;

	ck_assert_int_eq(parse_one("0-fffffffffffff000 ---s fffffffffffff000 ffffffff:ffffffff "
				   "18446744073709551615 /f\n",
				 MAPS_PLAIN, &m),
		1);
	ck_assert_uint_eq(m.end, 0xfffffffffffff000);
	ck_assert_uint_eq(m.offset, 0xfffffffffffff000);
	ck_assert_uint_eq(m.dev_major, UINT32_MAX);
	ck_assert_uint_eq(m.dev_minor, UINT32_MAX);
	ck_assert_uint_eq(m.inode, UINT64_MAX);
}
END_TEST

START_TEST(test_order)
{
	static const char touching[] = "1000-2000 ---p 00000000 00:00 0 \n"
				       "2000-3000 ---p 00000000 00:00 0 \n";
	static const char overlapping[] = "1000-3000 ---p 00000000 00:00 0 \n"
					  "2000-4000 ---p 00000000 00:00 0 \n";
	static const char descending[] = "2000-3000 ---p 00000000 00:00 0 \n"
					 "1000-2000 ---p 00000000 00:00 0 \n";
	size_t count;

	ck_assert_int_eq(parse_all(touching, sizeof(touching) - 1, MAPS_PLAIN, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(
		parse_all(overlapping, sizeof(overlapping) - 1, MAPS_PLAIN, &count), -EBADMSG);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(
		parse_all(descending, sizeof(descending) - 1, MAPS_PLAIN, &count), -EBADMSG);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(test_empty)
{
	size_t count;

	ck_assert_int_eq(parse_all("", 0, MAPS_PLAIN, &count), 0);
	ck_assert_int_eq(parse_all("", 0, MAPS_SMAPS, &count), 0);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(test_long_line)
{
	static const char head[] = "1000-2000 r-xp 00000000 fe:00 7   /";
	size_t len = 1 << 20, head_len = sizeof(head) - 1;
	char *text = malloc(len);
	struct mapping m;
	struct maps maps;

	ck_assert_ptr_nonnull(text);
	memset(text, 'a', len);
	memcpy(text, head, head_len);
	text[len - 1] = '\n';
	maps_init(&maps, text, len, MAPS_PLAIN);
	ck_assert_int_eq(maps_next(&maps, &m), 1);
	ck_assert_uint_eq(m.name_len, len - head_len);
	ck_assert_int_eq(maps_next(&maps, &m), 0);
	maps_init(&maps, text, len - 1, MAPS_PLAIN);
	ck_assert_int_eq(maps_next(&maps, &m), -EBADMSG);
	free(text);
}
END_TEST

static const struct {
	const char *flags;
	bool sealed, may_write, locked, no_dump, no_fork, wiped, grows, droppable, clean;
} flags[] = {
	{ .flags = "VmFlags: rd wr mr mw me ac sl \n", .sealed = true, .may_write = true },
	{ .flags = "VmFlags: rd mr me sl\n", .sealed = true },
	{ .flags = "VmFlags: sl mr\n", .sealed = true },
	{ .flags = "VmFlags: rd wr mr mw me ac \n", .may_write = true },
	{ .flags = "VmFlags: rd wr lo dc dd \n", .locked = true, .no_dump = true, .no_fork = true },
	{ .flags = "VmFlags: dc\n", .no_fork = true },
	{ .flags = "VmFlags: dd\n", .no_dump = true },
	{ .flags = "VmFlags: lo\n", .locked = true },
	{ .flags = "VmFlags: rd wf \n", .wiped = true },
	{ .flags = "VmFlags: rd gd \n", .grows = true },
	{ .flags = "VmFlags: rd wf dd dp \n", .wiped = true, .no_dump = true, .droppable = true },
	{ .flags = "Private_Clean:         4 kB\nVmFlags: \n", .clean = true },
	{ .flags = "Shared_Clean:       1020 kB\nVmFlags: \n", .clean = true },
	{ .flags = "Shared_Clean: 0 kB\nPrivate_Clean: 0 kB\nVmFlags: \n" },
	{ .flags = "Shared_Clean: 8 kB\nPrivate_Clean: 0 kB\nVmFlags: \n", .clean = true },
	{ .flags = "Shared_Dirty: 4 kB\nPrivate_Dirty: 4 kB\nSize: 4 kB\nVmFlags: \n" },
	{ .flags = "Private_Clean:\nVmFlags: \n" },
	{ .flags = "VmFlags: ex \n" },
	{ .flags = "VmFlags: \n" },
	{ .flags = "VmFlags:\n" },
	{ .flags = "VmFlags: slow s l sls mwx m xsl ?? d c ddc ld \n" },
	{ .flags = "VmFlags: \200l s\354 \377\377 \363\354 sl \n", .sealed = true },
	{ .flags = "Size: 4 kB\nVmFlags: sl\n", .sealed = true },
	{ .flags = "VmFlags: sl\nNewField: mw\n",
		.sealed = true }, /* a later kernel may add lines */
	{ .flags = "VmFlag: mw\nVmFlags: sl\nVmFlagsToo: mw\n", .sealed = true },
};

START_TEST(test_flags)
{
	char text[256];
	struct mapping m;

	(void)snprintf(text, sizeof(text), "1000-2000 rw-p 00000000 00:00 0 \n%s", flags[_i].flags);
	ck_assert_int_eq(parse_one(text, MAPS_SMAPS, &m), 1);
	ck_assert_int_eq(m.sealed, flags[_i].sealed);
	ck_assert_int_eq(m.may_write, flags[_i].may_write);
	ck_assert_int_eq(m.locked, flags[_i].locked);
	ck_assert_int_eq(m.no_dump, flags[_i].no_dump);
	ck_assert_int_eq(m.no_fork, flags[_i].no_fork);
	ck_assert_int_eq(m.wiped, flags[_i].wiped);
	ck_assert_int_eq(m.grows, flags[_i].grows);
	ck_assert_int_eq(m.droppable, flags[_i].droppable);
	ck_assert_int_eq(m.clean, flags[_i].clean);
}
END_TEST

#define LINE  "1000-2000 rw-p 00000000 00:00 0 \n"
#define LINE2 "2000-3000 rw-p 00000000 00:00 0 \n"
#define FLAGS "VmFlags: rd sl \n"

static const struct {
	const char *text;
	size_t good; /* mappings before the error */
} broken_smaps[] = {
	{ LINE, 0 },
	{ LINE "Size: 4 kB\n", 0 },
	{ LINE "Size: 4 kB\n" LINE2 FLAGS, 0 },
	{ LINE FLAGS LINE2, 1 },
	{ LINE FLAGS LINE2 "Size: 4 kB\n", 1 },
	{ LINE FLAGS FLAGS, 0 },
	{ LINE "VmFlags: rd sl", 0 },
	{ LINE FLAGS "Size", 0 },
	{ LINE FLAGS "vmFlags: rd\n", 1 },
	{ FLAGS LINE FLAGS, 0 },
};

START_TEST(test_broken_smaps)
{
	const char *text = broken_smaps[_i].text;
	size_t count;

	ck_assert_int_eq(parse_all(LINE FLAGS LINE2 FLAGS, strlen(LINE FLAGS LINE2 FLAGS),
				 MAPS_SMAPS, &count),
		0);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(parse_all(text, strlen(text), MAPS_SMAPS, &count), -EBADMSG);
	ck_assert_uint_eq(count, broken_smaps[_i].good);
}
END_TEST

/* Right before a page that cannot be read, at every length and so at every alignment. */
START_TEST(test_stays_within_the_text)
{
	static const char text[] = LINE FLAGS LINE2 "Size:                  4 kB\n" FLAGS;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count;
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + page, page, PROT_NONE), 0);
	for (size_t len = 0; len < sizeof(text); len++) {
		bool whole = len == 0 || len == strlen(LINE FLAGS) || len == sizeof(text) - 1;

		memcpy(p + page - len, text, len);
		ck_assert_int_eq(
			parse_all(p + page - len, len, MAPS_SMAPS, &count), whole ? 0 : -EBADMSG);
	}
	ck_assert_int_eq(munmap(p, 2 * page), 0);
}
END_TEST

START_TEST(test_smaps_is_not_maps)
{
	size_t count;

	ck_assert_int_eq(parse_all(LINE FLAGS, strlen(LINE FLAGS), MAPS_PLAIN, &count), -EBADMSG);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(test_sample)
{
	static const unsigned want[] = {
		[MAPPING_ANON] = 6,
		[MAPPING_FILE] = 22,
		[MAPPING_MEMFD] = 2,
		[MAPPING_SHM] = 5,
		[MAPPING_HEAP] = 1,
		[MAPPING_STACK] = 1,
		[MAPPING_VDSO] = 1,
		[MAPPING_VVAR] = 2,
		[MAPPING_VSYSCALL] = 1,
		[MAPPING_SPECIAL] = 0,
	};
	unsigned got[ARRAY_SIZE(want)] = { 0 }, sealed = 0, read_only = 0;
	struct mapping m;
	struct maps maps;

	maps_init(&maps, sample, sample_len, MAPS_SMAPS);
	while (maps_next(&maps, &m) == 1) {
		got[m.kind]++;
		sealed += m.sealed;
		read_only += !m.may_write;
	}
	ck_assert_int_eq(maps_next(&maps, &m), 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		ck_assert_msg(want[i] == got[i], "kind %zu: %u", i, got[i]);
	ck_assert_uint_eq(sealed, 1);
	ck_assert_uint_eq(read_only, 4); /* a SHM_RDONLY attachment, [vvar] twice and [vsyscall] */
}
END_TEST

/* A text that ends behind a line of flags is whole; the same text cut anywhere else is not. */
START_TEST(test_sample_truncated)
{
	size_t complete = 0, count, line = 0;

	for (size_t len = 0; len <= sample_len; len++) {
		bool whole = len == 0;

		if (len > 0 && sample[len - 1] == '\n') {
			whole = !strncmp(sample + line, "VmFlags:", 8);
			complete += whole;
			line = len;
		}
		ck_assert_int_eq(parse_all(sample, len, MAPS_SMAPS, &count), whole ? 0 : -EBADMSG);
		ck_assert_uint_eq(count, complete);
	}
}
END_TEST

START_TEST(test_path)
{
	struct mapping m = { .name = "/a\\012b\\01\\012", .name_len = 14 };
	char buf[16];

	memset(buf, 'x', sizeof(buf));
	ck_assert_int_eq(mapping_path(&m, buf, sizeof(buf)), 8);
	ck_assert_str_eq(buf, "/a\nb\\01\n");
}
END_TEST

START_TEST(test_path_too_long)
{
	struct mapping m = { .name = "/abc", .name_len = 4 };
	char buf[5];

	ck_assert_int_eq(mapping_path(&m, buf, 5), 4);
	ck_assert_str_eq(buf, "/abc");
	ck_assert_int_eq(mapping_path(&m, buf, 4), -ENAMETOOLONG);
	ck_assert_int_eq(mapping_path(&m, buf, 0), -ENAMETOOLONG);
	m.name_len = 0;
	ck_assert_int_eq(mapping_path(&m, buf, 1), 0);
	ck_assert_str_eq(buf, "");
}
END_TEST

/* This process. Its text is read into a buffer that is there before, so that nothing moves. */
static char live[4 << 20];

/* What sscanf() makes of the fields up to the inode. */
static void check_by_scanf(const char *line, const struct mapping *m)
{
	uint64_t start, end, offset, inode;
	unsigned major, minor;
	char perm[5];

	ck_assert_int_eq(sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64,
				 &start, &end, perm, &offset, &major, &minor, &inode),
		7);
	ck_assert_uint_eq(m->start, start);
	ck_assert_uint_eq(m->end, end);
	ck_assert_int_eq(!!(m->prot & MAPPING_READ), perm[0] == 'r');
	ck_assert_int_eq(!!(m->prot & MAPPING_WRITE), perm[1] == 'w');
	ck_assert_int_eq(!!(m->prot & MAPPING_EXEC), perm[2] == 'x');
	ck_assert_int_eq(m->shared, perm[3] == 's');
	ck_assert_uint_eq(m->offset, offset);
	ck_assert_uint_eq(m->dev_major, major);
	ck_assert_uint_eq(m->dev_minor, minor);
	ck_assert_uint_eq(m->inode, inode);
}

START_TEST(test_live)
{
	size_t len = read_file("/proc/self/maps", live, sizeof(live));
	bool code = false, variable = false, stack = false;
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	struct mapping m;
	struct maps maps;

	maps_init(&maps, live, len, MAPS_PLAIN);
	while (maps.at < maps.end) {
		const char *line = maps.at;

		ck_assert_int_eq(maps_next(&maps, &m), 1);
		check_by_scanf(line, &m);
		if (m.start <= (uintptr_t)load_sample && (uintptr_t)load_sample < m.end)
			code = m.prot == (MAPPING_READ | MAPPING_EXEC) && m.kind == MAPPING_FILE;
		if (m.start <= (uintptr_t)live && (uintptr_t)live < m.end)
			variable = m.prot == (MAPPING_READ | MAPPING_WRITE);
		if (m.start <= frame && frame < m.end)
			stack = m.kind == MAPPING_STACK;
	}
	ck_assert_int_eq(maps_next(&maps, &m), 0);
	ck_assert(code && variable && stack);
}
END_TEST

/* The mapping of this process that holds addr. */
static struct mapping live_mapping(const void *addr)
{
	size_t len = read_file("/proc/self/smaps", live, sizeof(live));
	struct mapping m;
	struct maps maps;

	maps_init(&maps, live, len, MAPS_SMAPS);
	while (maps_next(&maps, &m) == 1) {
		if (m.start <= (uintptr_t)addr && (uintptr_t)addr < m.end)
			return m;
	}
	ck_abort_msg("%p is not mapped", addr);
}

START_TEST(test_live_sealed)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mapping m;

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert(!live_mapping(p + page).sealed);
	ck_assert_int_eq(sys_mseal((uintptr_t)p + page, page, 0), 0);
	m = live_mapping(p + page);
	ck_assert(m.sealed && m.may_write);
	ck_assert_uint_eq(m.start, (uintptr_t)p + page);
	ck_assert_uint_eq(m.end, (uintptr_t)p + 2 * page);
	ck_assert(!live_mapping(p).sealed);
	ck_assert(!live_mapping(p + 2 * page).sealed);
}
END_TEST

START_TEST(test_live_memory_that_looks_like_a_file)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	CLEANUP(sys_close_cleanup) int fd = sys_memfd_create("two\nlines (deleted)", 0);
	char path[64];
	struct mapping m;
	void *p;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sys_ftruncate(fd, page), 0);
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	m = live_mapping(p);
	ck_assert_int_eq(m.kind, MAPPING_MEMFD);
	ck_assert(m.deleted && m.shared);
	ck_assert_int_gt(mapping_path(&m, path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/memfd:two\nlines (deleted)");

	p = mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	m = live_mapping(p);
	ck_assert_int_eq(m.kind, MAPPING_SHM);
	ck_assert(name_is(&m, "/dev/zero"));
}
END_TEST

static Suite *maps_suite(void)
{
	Suite *suite = suite_create("maps");
	TCase *text = tcase_create("text"), *captured = tcase_create("captured"),
	      *self = tcase_create("self");

	tcase_add_test(text, test_fields);
	tcase_add_loop_test(text, test_line, 0, ARRAY_SIZE(lines));
	tcase_add_loop_test(text, test_broken_line, 0, ARRAY_SIZE(broken));
	tcase_add_test(text, test_largest_numbers);
	tcase_add_test(text, test_order);
	tcase_add_test(text, test_empty);
	tcase_add_test(text, test_long_line);
	tcase_add_loop_test(text, test_flags, 0, ARRAY_SIZE(flags));
	tcase_add_loop_test(text, test_broken_smaps, 0, ARRAY_SIZE(broken_smaps));
	tcase_add_test(text, test_stays_within_the_text);
	tcase_add_test(text, test_smaps_is_not_maps);
	tcase_add_test(text, test_path);
	tcase_add_test(text, test_path_too_long);
	suite_add_tcase(suite, text);

	tcase_add_checked_fixture(captured, load_sample, NULL);
	tcase_set_timeout(captured, 60);
	tcase_add_test(captured, test_sample);
	tcase_add_test(captured, test_sample_truncated);
	suite_add_tcase(suite, captured);

	tcase_add_test(self, test_live);
	tcase_add_test(self, test_live_sealed);
	tcase_add_test(self, test_live_memory_that_looks_like_a_file);
	suite_add_tcase(suite, self);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(maps_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
