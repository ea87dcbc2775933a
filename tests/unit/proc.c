/* SPDX-License-Identifier: MIT */
/* The process API over made-up /proc trees: what counts as an image, and what is refused. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <memseal.h>

#include "base/fault.h"
#include "base/uapi.h"
#include "base/util.h"
#include "fake-proc.h"

/* What ld makes of a small library: one page or two of each kind. */
static const struct segment library[] = {
	{ PT_LOAD, PF_R, 0, 0, 0x1000, 0x1000 },
	{ PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x2000, 0x2000 },
	{ PT_LOAD, PF_R, 0x3000, 0x3000, 0x1000, 0x1000 },
	{ PT_LOAD, PF_R | PF_W, 0x4000, 0x5000, 0x2000, 0x4000 },
	{ PT_GNU_RELRO, PF_R, 0x4000, 0x5000, 0x1000, 0x1000 },
};
#define LIBRARY_SEALABLE 0x5000

/* And one without code, as libicudata is. */
static const struct segment data_library[] = {
	{ PT_LOAD, PF_R, 0, 0, 0x3000, 0x3000 },
	{ PT_LOAD, PF_R | PF_W, 0x3000, 0x4000, 0x1000, 0x1000 },
	{ PT_GNU_RELRO, PF_R, 0x3000, 0x4000, 0x1000, 0x1000 },
};

static struct object library_object(void)
{
	return elf64(ET_DYN, 64, library, ARRAY_SIZE(library));
}

static void write_object(uint64_t addr, struct object object)
{
	static const uint64_t present = UINT64_C(1) << 63;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	write_bytes("mem", addr, object.bytes, sizeof(object.bytes));
	write_bytes("pagemap", addr / page * sizeof(present), &present, sizeof(present));
}

static void map_library_tail(uint64_t base, const char *flags)
{
	map(base + 0x3000, base + 0x4000, "r--p", 0x3000, 7, "/lib/x.so", flags);
	map(base + 0x5000, base + 0x6000, "r--p", 0x4000, 7, "/lib/x.so", flags);
	map(base + 0x6000, base + 0x7000, "rw-p", 0x5000, 7, "/lib/x.so", "");
	map(base + 0x7000, base + 0x9000, "rw-p", 0, 0, "", "");
}

static void map_library(uint64_t base, const char *flags)
{
	map(base, base + 0x1000, "r--p", 0, 7, "/lib/x.so", flags);
	map(base + 0x1000, base + 0x3000, "r-xp", 0x1000, 7, "/lib/x.so", flags);
	map_library_tail(base, flags);
}

static int open_process(struct memseal_process **ret)
{
	struct memseal_process_opts opts = { .size = sizeof(opts), .proc = tree };

	return memseal_process_open(PID, &opts, ret);
}

static int failure(void)
{
	struct memseal_process *process = (void *)1;
	int r = open_process(&process);

	ck_assert_int_lt(r, 0);
	ck_assert_ptr_eq(process, (void *)1);
	return r;
}

static struct memseal_coverage coverage(void)
{
	struct memseal_coverage ret = { .size = sizeof(ret) };
	struct memseal_process *process;

	ck_assert_int_eq(open_process(&process), 0);
	ck_assert_int_eq(memseal_process_coverage(process, &ret), 0);
	memseal_process_close(process);
	return ret;
}

static void assert_coverage(uint64_t sealable, uint64_t sealed, unsigned images)
{
	struct memseal_coverage found = coverage();

	ck_assert_uint_eq(found.sealable_bytes, sealable);
	ck_assert_uint_eq(found.sealed_bytes, sealed);
	ck_assert_uint_eq(found.images, images);
}

START_TEST(library_is_counted)
{
	map_library(0x400000, "");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, 0, 1);
}
END_TEST

START_TEST(sealed_library_is_counted)
{
	map_library(0x400000, "sl");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
}
END_TEST

START_TEST(partly_sealed_library_is_counted)
{
	map(0x400000, 0x401000, "r--p", 0, 7, "/lib/x.so", "");
	map(0x401000, 0x403000, "r-xp", 0x1000, 7, "/lib/x.so", "sl");
	map_library_tail(0x400000, "");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, 0x2000, 1);
}
END_TEST

/* Sealed while writable: it stays writable for ever, which is no protection. */
START_TEST(writable_relro_is_not_sealed)
{
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;

	map(0x400000, 0x401000, "r--p", 0, 7, "/lib/x.so", "sl");
	map(0x401000, 0x403000, "r-xp", 0x1000, 7, "/lib/x.so", "sl");
	map(0x403000, 0x404000, "r--p", 0x3000, 7, "/lib/x.so", "sl");
	map(0x405000, 0x407000, "rw-p", 0x4000, 7, "/lib/x.so", "sl");
	map(0x407000, 0x409000, "rw-p", 0, 0, "", "");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE - 0x1000, 1);
	ck_assert_int_eq(open_process(&process), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
	ck_assert(mapping.sealed);
	ck_assert_uint_eq(mapping.sealable_bytes, 0x1000);
	ck_assert_str_eq(mapping.why, "sealed while writable");
	memseal_process_close(process);
}
END_TEST

START_TEST(library_loaded_twice_is_two_images)
{
	map_library(0x400000, "sl");
	map_library(0x500000, "");
	write_object(0x400000, library_object());
	write_object(0x500000, library_object());
	assert_coverage(2 * LIBRARY_SEALABLE, LIBRARY_SEALABLE, 2);
}
END_TEST

/* readelf(1), perf(1) and debuggers do that. */
START_TEST(file_mapped_whole_is_no_image)
{
	map(0x400000, 0x408000, "r--p", 0, 7, "/lib/x.so", "");
	write_object(0x400000, library_object());
	assert_coverage(0, 0, 0);
}
END_TEST

START_TEST(file_mapped_whole_executable_is_no_image)
{
	map(0x400000, 0x408000, "r-xp", 0, 7, "/lib/x.so", "");
	write_object(0x400000, library_object());
	assert_coverage(0, 0, 0);
}
END_TEST

START_TEST(data_library_is_counted)
{
	map(0x400000, 0x403000, "r--p", 0, 7, "/lib/data.so", "sl");
	map(0x404000, 0x405000, "r--p", 0x3000, 7, "/lib/data.so", "");
	write_object(0x400000, elf64(ET_DYN, 64, data_library, ARRAY_SIZE(data_library)));
	assert_coverage(0x4000, 0x3000, 1);
}
END_TEST

/* Nothing but the neighbour tells it from the one above: memory of the program's own. */
START_TEST(data_library_mapped_whole_is_no_image)
{
	map(0x400000, 0x404000, "r--p", 0, 7, "/lib/data.so", "");
	map(0x404000, 0x409000, "rw-p", 0, 0, "", "");
	write_object(0x400000, elf64(ET_DYN, 64, data_library, ARRAY_SIZE(data_library)));
	assert_coverage(0, 0, 0);
}
END_TEST

START_TEST(neighbour_file_is_no_segment)
{
	map(0x400000, 0x403000, "r--p", 0, 7, "/lib/data.so", "");
	map(0x404000, 0x405000, "r--p", 0x3000, 8, "/lib/other", "");
	write_object(0x400000, elf64(ET_DYN, 64, data_library, ARRAY_SIZE(data_library)));
	assert_coverage(0, 0, 0);
}
END_TEST

/* As the agent makes RELRO discard-proof, and text goes to huge pages. */
START_TEST(segments_replaced_by_memory_are_counted)
{
	map(0x400000, 0x401000, "r--p", 0, 7, "/lib/x.so", "sl");
	map(0x401000, 0x403000, "r-xp", 0, 0, "", "sl");
	map(0x403000, 0x404000, "r--p", 0x3000, 7, "/lib/x.so", "sl");
	map(0x405000, 0x406000, "r--s", 0, 9, "/memfd:relro (deleted)", "sl");
	map(0x406000, 0x407000, "rw-p", 0x5000, 7, "/lib/x.so", "");
	map(0x407000, 0x409000, "rw-p", 0, 0, "", "");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
}
END_TEST

/* A memfd with these seals; as *ret_inode it can be mapped, and stays open. */
static int sealed_memfd(int seals, unsigned *ret_inode)
{
	static char memfd_device[32];
	int fd = memfd_create("memseal", MFD_ALLOW_SEALING);
	struct stat stat;

	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	ck_assert_int_eq(fstat(fd, &stat), 0);
	snprintf(memfd_device, sizeof(memfd_device), "%02x:%02x", major(stat.st_dev),
		minor(stat.st_dev));
	device = memfd_device;
	*ret_inode = (unsigned)stat.st_ino;
	return fd;
}

/* As the kernel gives the file of a mapping to root. */
static void link_map_file(const char *range, int fd)
{
	char name[64], target[64];

	snprintf(name, sizeof(name), "map_files/%s", range);
	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	make_link(name, target);
}

/* The content lock where the file cannot be used: all but writable data is in two memfds. */
static void map_copied_library(unsigned text, unsigned relro)
{
	map(0x400000, 0x401000, "r--s", 0, text, "/memfd:memseal (deleted)", "sl");
	map(0x401000, 0x403000, "r-xs", 0x1000, text, "/memfd:memseal (deleted)", "sl");
	map(0x403000, 0x404000, "r--s", 0x2000, text, "/memfd:memseal (deleted)", "sl");
	map(0x405000, 0x406000, "r--s", 0x5000, relro, "/memfd:memseal (deleted)", "sl");
	map(0x406000, 0x407000, "rw-p", 0x5000, 7, "/lib/x.so", "");
	map(0x407000, 0x409000, "rw-p", 0, 0, "", "");
	write_object(0x400000, library_object());
}

/* How many mappings are told to be locked. */
static unsigned count_locked(void)
{
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;
	unsigned ret = 0;

	ck_assert_int_eq(open_process(&process), 0);
	while (memseal_process_next_mapping(process, &mapping) == 1)
		ret += mapping.content_locked;
	memseal_process_close(process);
	return ret;
}

START_TEST(copied_segments_are_counted_and_locked)
{
	static const enum memseal_kind kinds[] = { MEMSEAL_KIND_RODATA, MEMSEAL_KIND_TEXT,
		MEMSEAL_KIND_RODATA, MEMSEAL_KIND_RELRO };
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;
	unsigned text, relro;

	make_directory("map_files");
	link_map_file("400000-401000", sealed_memfd(F_SEAL_WRITE, &text));
	link_map_file("405000-406000", sealed_memfd(F_SEAL_WRITE | F_SEAL_SEAL, &relro));
	map_copied_library(text, relro);
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
	ck_assert_int_eq(open_process(&process), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
		ck_assert_int_eq(mapping.kind, kinds[i]);
		ck_assert(mapping.content_locked);
		ck_assert_str_eq(mapping.object, "/memfd:memseal (deleted)");
	}
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
	ck_assert_int_eq(mapping.kind, MEMSEAL_KIND_DATA);
	ck_assert_str_eq(mapping.object, "/lib/x.so");
	memseal_process_close(process);
}
END_TEST

/* A memfd that somebody may write to, or of which that is not known. */
START_TEST(memfd_without_write_seal_is_not_locked)
{
	unsigned text, relro;
	int fd = sealed_memfd(F_SEAL_FUTURE_WRITE, &text);

	make_directory("map_files");
	link_map_file("400000-401000", fd);
	link_map_file("405000-406000", sealed_memfd(F_SEAL_WRITE, &relro));
	map_copied_library(text, relro);
	ck_assert_uint_eq(count_locked(), 1);
	remove_file("map_files/405000-406000");
	ck_assert_uint_eq(count_locked(), 0);
	/* Another memfd than the one that is mapped. */
	link_map_file("405000-406000", sealed_memfd(F_SEAL_WRITE, &text));
	ck_assert_uint_eq(count_locked(), 0);
}
END_TEST

/* As of a code region with two views: a store through the second changes what the first executes.
 */
START_TEST(view_that_another_can_write_to_is_open)
{
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_coverage found;
	struct memseal_process *process;

	map(0x400000, 0x401000, "r--s", 0, 7, "/lib/x.so", "sl");
	map(0x401000, 0x403000, "r-xs", 0x1000, 7, "/lib/x.so", "sl");
	map_library_tail(0x400000, "sl");
	map(0x500000, 0x501000, "r--s", 0, 8, "/lib/other", "mw");
	write_object(0x400000, library_object());
	ck_assert_uint_eq(count_locked(), 2);
	ck_assert_int_eq(coverage().state, MEMSEAL_STATE_SEALED);
	map(0x600000, 0x601000, "r--s", 0x1000, 7, "/lib/x.so", "mw");
	ck_assert_uint_eq(count_locked(), 0);
	found = coverage();
	ck_assert_int_eq(found.state, MEMSEAL_STATE_PARTIAL);
	ck_assert_uint_eq(found.sealed_bytes, found.sealable_bytes);
	ck_assert_uint_eq(found.exec_open_bytes, 0x2000);
	ck_assert_str_eq(found.why, "can be written through another mapping");
	ck_assert_int_eq(open_process(&process), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
	ck_assert_str_eq(mapping.why, "can be written through another mapping");
	memseal_process_close(process);
}
END_TEST

/* Executable memory beside a library that is sealed: what it is called, and what that makes of the
 * process. */
struct beside {
	const char *perm;
	uint64_t offset;
	unsigned inode;
	const char *name, *flags;
	enum memseal_state state;
	const char *why; /* NULL: not open */
};

static const struct beside besides[] = {
	{ "r-xp", 0, 0, "", "", MEMSEAL_STATE_SEALED, "generated code (JIT)" },
	{ "rwxp", 0, 0, "[anon:v8]", "", MEMSEAL_STATE_SEALED, "generated code (JIT)" },
	{ "r-xp", 0, 0, "", "sl", MEMSEAL_STATE_SEALED, "generated code (JIT)" },
	{ "r-xs", 0, 9, "/memfd:doublemapper (deleted)", "", MEMSEAL_STATE_SEALED,
		"generated code (JIT)" },
	{ "rwxs", 0, 9, "/dev/zero (deleted)", "", MEMSEAL_STATE_SEALED, "generated code (JIT)" },
	{ "r-xp", 0x1000, 7, "/lib/x.so", "", MEMSEAL_STATE_PARTIAL,
		"code of an image, mapped a second time" },
	{ "r-xp", 0x1000, 7, "/lib/x.so", "sl", MEMSEAL_STATE_PARTIAL,
		"code of an image, mapped a second time" },
	{ "r-xp", 0x1000, 8, "/lib/y.so", "", MEMSEAL_STATE_PARTIAL,
		"executable, and no image explains it" },
	{ "r-xp", 0x1000, 8, "/lib/y.so", "sl", MEMSEAL_STATE_PARTIAL,
		"executable, and no image explains it" },
	{ "r-xp", 0, 0, "[uprobes]", "", MEMSEAL_STATE_PARTIAL,
		"executable, and no image explains it" },
	{ "rwxp", 0, 0, "[heap]", "", MEMSEAL_STATE_PARTIAL, "executable heap" },
	{ "rwxp", 0, 0, "[stack]", "", MEMSEAL_STATE_PARTIAL, "executable stack" },
	{ "--xp", 0, 0, "[vsyscall]", "", MEMSEAL_STATE_SEALED, NULL },
	{ "rw-p", 0, 0, "", "", MEMSEAL_STATE_SEALED, NULL },
};

START_TEST(executable_memory_beside_images_is_shown)
{
	const struct beside *beside = &besides[_i];
	struct memseal_coverage found;

	map_library(0x400000, "sl");
	write_object(0x400000, library_object());
	map(0x500000, 0x503000, beside->perm, beside->offset, beside->inode, beside->name,
		beside->flags);
	found = coverage();
	ck_assert_uint_eq(found.sealed_bytes, LIBRARY_SEALABLE);
	ck_assert_uint_eq(found.sealable_bytes, LIBRARY_SEALABLE);
	ck_assert_uint_eq(found.exec_open_bytes, beside->why ? 0x3000 : 0);
	ck_assert_int_eq(found.state, beside->state);
	ck_assert_pstr_eq(found.why, beside->why);
}
END_TEST

static const struct segment writable_code[] = {
	{ PT_LOAD, PF_R | PF_X, 0, 0, 0x1000, 0x1000 },
	{ PT_LOAD, PF_R | PF_W | PF_X, 0x1000, 0x1000, 0x2000, 0x2000 },
};

/* Its headers say writable and executable: it is not sealable, and no 100.0 without a word. */
START_TEST(writable_and_executable_segment_is_open)
{
	struct memseal_coverage found;

	map(0x400000, 0x401000, "r-xp", 0, 7, "/lib/x.so", "sl");
	map(0x401000, 0x403000, "rwxp", 0x1000, 7, "/lib/x.so", "");
	write_object(0x400000, elf64(ET_DYN, 64, writable_code, ARRAY_SIZE(writable_code)));
	found = coverage();
	ck_assert_uint_eq(found.sealable_bytes, 0x1000);
	ck_assert_uint_eq(found.sealed_bytes, 0x1000);
	ck_assert_uint_eq(found.exec_open_bytes, 0x2000);
	ck_assert_int_eq(found.state, MEMSEAL_STATE_PARTIAL);
	ck_assert_str_eq(found.why, "writable and executable");
}
END_TEST

START_TEST(executable_data_is_open)
{
	struct memseal_coverage found;

	map(0x400000, 0x401000, "r-xp", 0, 7, "/lib/x.so", "sl");
	map(0x401000, 0x403000, "r-xp", 0x1000, 7, "/lib/x.so", "");
	write_object(0x400000, elf64(ET_DYN, 64, writable_code, ARRAY_SIZE(writable_code)));
	found = coverage();
	ck_assert_uint_eq(found.exec_open_bytes, 0x2000);
	ck_assert_int_eq(found.state, MEMSEAL_STATE_PARTIAL);
	ck_assert_str_eq(found.why, "executable data of an image");
}
END_TEST

START_TEST(unsealed_text_is_open)
{
	struct memseal_coverage found;

	map_library(0x400000, "");
	write_object(0x400000, library_object());
	found = coverage();
	ck_assert_uint_eq(found.exec_open_bytes, 0x2000);
	ck_assert_int_eq(found.state, MEMSEAL_STATE_UNSEALED);
	ck_assert_ptr_null(found.why);
}
END_TEST

/* ld.so looks at no such header; nor does it make an image vanish here. */
START_TEST(irrelevant_header_is_ignored)
{
	struct segment odd[ARRAY_SIZE(library) + 1];

	memcpy(odd, library, sizeof(library));
	odd[ARRAY_SIZE(library)] =
		(struct segment){ 0x6abcdef0, PF_R, 0, UINT64_MAX - 15, 0x100, 0x100 };
	map_library(0x400000, "");
	write_object(0x400000, elf64(ET_DYN, 64, odd, ARRAY_SIZE(odd)));
	assert_coverage(LIBRARY_SEALABLE, 0, 1);
}
END_TEST

/* The process wiped the headers of one library out of two, both sealed. */
START_TEST(wiped_headers_make_no_100)
{
	struct memseal_coverage found;

	map_library(0x400000, "sl");
	map_library(0x500000, "sl");
	write_object(0x400000, library_object());
	write_object(0x500000, library_object());
	ck_assert_int_eq(coverage().state, MEMSEAL_STATE_SEALED);
	write_object(0x500000, (struct object){ 0 });
	found = coverage();
	ck_assert_uint_eq(found.images, 1);
	ck_assert_int_eq(found.state, MEMSEAL_STATE_PARTIAL);
	ck_assert_uint_eq(found.exec_open_bytes, 0x2000);
}
END_TEST

/* Headers in a memfd say that code of another file is theirs, and sealed or data. */
START_TEST(false_image_explains_no_code_of_a_file)
{
	static const struct segment claims[] = {
		{ PT_LOAD, PF_R, 0, 0, 0x1000, 0x1000 },
		{ PT_LOAD, PF_R | PF_X, 0x1000, 0x101000, 0x2000, 0x2000 },
	};
	struct memseal_coverage found;

	map(0x400000, 0x401000, "r--p", 0, 9, "/memfd:false (deleted)", "sl");
	map(0x501000, 0x503000, "r-xp", 0x1000, 7, "/lib/x.so", "sl");
	map(0x704000, 0x706000, "r-xp", 0, 0, "[vdso]", "sl");
	write_object(0x400000, elf64(ET_DYN, 64, claims, ARRAY_SIZE(claims)));
	found = coverage();
	ck_assert_uint_eq(found.images, 1);
	ck_assert_uint_eq(found.exec_open_bytes, 0x2000);
	ck_assert_int_eq(found.state, MEMSEAL_STATE_PARTIAL);
}
END_TEST

/* Headers in a memfd that claim memory of another image as data, so that it would not count. */
START_TEST(images_that_claim_the_same_are_no_100)
{
	static const struct segment claims[] = {
		{ PT_LOAD, PF_R | PF_X, 0, 0, 0x1000, 0x1000 },
		{ PT_LOAD, PF_R | PF_W, 0x3000, 0x103000, 0x1000, 0x1000 },
	};
	struct memseal_coverage found;

	map(0x400000, 0x401000, "r-xp", 0, 9, "/memfd:false (deleted)", "sl");
	map(0x500000, 0x501000, "r--p", 0, 7, "/lib/x.so", "sl");
	map(0x501000, 0x503000, "r-xp", 0x1000, 7, "/lib/x.so", "sl");
	map_library_tail(0x500000, "sl");
	write_object(0x400000, elf64(ET_DYN, 64, claims, ARRAY_SIZE(claims)));
	write_object(0x500000, library_object());
	found = coverage();
	ck_assert_uint_eq(found.images, 2);
	ck_assert_int_eq(found.state, MEMSEAL_STATE_PARTIAL);
	ck_assert_str_eq(found.why, "ELF headers that claim the same memory");
}
END_TEST

/* 16 headers are looked at of a file with 65,534 program headers: then it is given up. */
START_TEST(giant_headers_are_given_up)
{
	struct object object = elf64(ET_DYN, 64, library, ARRAY_SIZE(library));
	const uint16_t most = 65534;

	memcpy(object.bytes + offsetof(Elf64_Ehdr, e_phnum), &most, sizeof(most));
	map_library(0x400000, "sl");
	write_object(0x400000, library_object());
	for (unsigned i = 0; i < 16; i++) {
		map(0x10000000 + i * 0x400000, 0x10400000 + i * 0x400000, "r--p", 0, 8,
			"/lib/giant", "");
		write_object(0x10000000 + i * 0x400000, object);
	}
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
	map(0x20000000, 0x20400000, "r--p", 0, 8, "/lib/giant", "");
	write_object(0x20000000, object);
	ck_assert_int_eq(failure(), -E2BIG);
}
END_TEST

/* A hole of a file, which says nothing, but takes as much memory as if it did. */
static void lengthen(const char *name, off_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", tree, PID, name);
	ck_assert_int_eq(truncate(path, size), 0);
}

START_TEST(giant_smaps_is_given_up)
{
	const off_t most = 128 * 1024 * 1024;

	map_library(0x400000, "sl");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
	lengthen("smaps", most / 2);
	ck_assert_int_eq(failure(), -EBADMSG);
	lengthen("smaps", most);
	ck_assert_int_eq(failure(), -E2BIG);
}
END_TEST

/* The same without code, and without RELRO: its writable data must be where it was linked to be. */
START_TEST(copied_data_library_is_counted)
{
	map(0x400000, 0x403000, "r--s", 0, 9, "/memfd:memseal (deleted)", "sl");
	map(0x404000, 0x405000, "rw-p", 0x3000, 7, "/lib/data.so", "");
	write_object(0x400000, elf64(ET_DYN, 64, data_library, 2));
	assert_coverage(0x3000, 0x3000, 1);
}
END_TEST

START_TEST(file_in_memory_is_no_library)
{
	map(0x400000, 0x403000, "r--s", 0, 9, "/memfd:data (deleted)", "");
	map(0x404000, 0x405000, "rw-p", 0x4000, 8, "/lib/other", "");
	write_object(0x400000, elf64(ET_DYN, 64, data_library, 2));
	assert_coverage(0, 0, 0);
}
END_TEST

/* The content lock: the file's own pages, shared, never writable. */
START_TEST(shared_segments_are_counted_and_locked)
{
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;

	map(0x400000, 0x401000, "r--s", 0, 7, "/lib/x.so", "sl");
	map(0x401000, 0x403000, "r-xs", 0x1000, 7, "/lib/x.so", "sl mw");
	map_library_tail(0x400000, "sl");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
	ck_assert_int_eq(open_process(&process), 0);
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
	ck_assert(mapping.content_locked);
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
	ck_assert(
		!mapping.content_locked); /* mprotect(2) could make it writable, but for the seal */
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
	ck_assert(!mapping.content_locked); /* private */
	memseal_process_close(process);
}
END_TEST

START_TEST(split_head_is_counted)
{
	map(0x400000, 0x401000, "r--p", 0, 7, "/lib/x.so", "");
	map(0x401000, 0x402000, "rwxp", 0x1000, 7, "/lib/x.so", "");
	map(0x402000, 0x403000, "r-xp", 0x2000, 7, "/lib/x.so", "sl");
	map_library_tail(0x400000, "");
	write_object(0x400000, library_object());
	assert_coverage(LIBRARY_SEALABLE, 0x1000, 1);
}
END_TEST

static const struct segment program[] = {
	{ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0x2000, 0x2000 },
	{ PT_LOAD, PF_R | PF_W, 0x2000, 0x602000, 0x1000, 0x3000 },
};

START_TEST(fixed_program_is_counted)
{
	map(0x400000, 0x402000, "r-xp", 0, 7, "/bin/x", "sl");
	map(0x602000, 0x603000, "rw-p", 0x2000, 7, "/bin/x", "");
	map(0x603000, 0x605000, "rw-p", 0, 0, "", "");
	write_object(0x400000, elf64(ET_EXEC, 64, program, ARRAY_SIZE(program)));
	assert_coverage(0x2000, 0x2000, 1);
}
END_TEST

START_TEST(fixed_program_elsewhere_is_no_image)
{
	map(0x500000, 0x502000, "r-xp", 0, 7, "/bin/x", "sl");
	map(0x702000, 0x703000, "rw-p", 0x2000, 7, "/bin/x", "");
	map(0x703000, 0x705000, "rw-p", 0, 0, "", "");
	write_object(0x500000, elf64(ET_EXEC, 64, program, ARRAY_SIZE(program)));
	assert_coverage(0, 0, 0);
}
END_TEST

START_TEST(program_of_32_bits_is_counted)
{
	map_library(0x8000000, "sl");
	write_object(0x8000000, elf32(ET_DYN, library, ARRAY_SIZE(library)));
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
}
END_TEST

START_TEST(far_program_headers_are_found)
{
	map_library(0x400000, "sl");
	write_object(0x400000, elf64(ET_DYN, 2048, library, ARRAY_SIZE(library)));
	assert_coverage(LIBRARY_SEALABLE, LIBRARY_SEALABLE, 1);
}
END_TEST

/* Each read of them failing in turn: the image is found or missed aloud. */
START_TEST(far_program_headers_are_not_lost)
{
	struct memseal_coverage found = { .size = sizeof(found) };
	struct memseal_process *process;
	unsigned long nth = 0;
	int r, errors = 0;
	bool hit;

	map_library(0x400000, "sl");
	write_object(0x400000, elf64(ET_DYN, 2048, library, ARRAY_SIZE(library)));
	do {
		fault_arm(++nth, EIO);
		r = open_process(&process);
		hit = fault_count() >= nth;
		fault_arm(0, 0);
		errors += r < 0;
		if (r < 0)
			continue;
		ck_assert_int_eq(memseal_process_coverage(process, &found), 0);
		memseal_process_close(process);
		ck_assert_uint_eq(found.sealable_bytes, LIBRARY_SEALABLE);
	} while (hit);
	ck_assert_int_eq(r, 0);
	ck_assert_int_gt(errors, 5);
}
END_TEST

/* Its data begin in the first page of the file, which is then mapped twice. */
START_TEST(small_object_is_one_image)
{
	static const struct segment small[] = {
		{ PT_LOAD, PF_R | PF_X, 0, 0, 0x800, 0x800 },
		{ PT_LOAD, PF_R | PF_W, 0x800, 0x1800, 0x100, 0x100 },
	};
	struct object object = elf64(ET_DYN, 64, small, ARRAY_SIZE(small));

	map(0x400000, 0x401000, "r-xp", 0, 7, "/lib/x.so", "");
	map(0x401000, 0x402000, "rw-p", 0, 7, "/lib/x.so", "");
	write_object(0x400000, object);
	write_object(0x401000, object);
	assert_coverage(0x1000, 0, 1);
}
END_TEST

/* The same without code, and with a neighbour that could be its RELRO if it began a page later. */
START_TEST(small_data_object_is_one_image)
{
	static const struct segment small[] = {
		{ PT_LOAD, PF_R, 0, 0, 0x800, 0x800 },
		{ PT_LOAD, PF_R | PF_W, 0x800, 0x1800, 0x100, 0x100 },
	};
	struct object object = elf64(ET_DYN, 64, small, ARRAY_SIZE(small));

	map(0x400000, 0x401000, "r--p", 0, 7, "/lib/x.so", "");
	map(0x401000, 0x402000, "rw-p", 0, 7, "/lib/x.so", "");
	map(0x402000, 0x403000, "r--p", 0, 0, "", "");
	write_object(0x400000, object);
	write_object(0x401000, object);
	assert_coverage(0x1000, 0, 1);
}
END_TEST

START_TEST(vdso_is_an_image)
{
	map(0x700000, 0x704000, "r--p", 0, 0, "[vvar]", "sl");
	map(0x704000, 0x706000, "r-xp", 0, 0, "[vdso]", "sl");
	remove_file("mem"); /* not even to be read */
	assert_coverage(0x2000, 0x2000, 1);
}
END_TEST

START_TEST(damaged_headers_are_no_image)
{
	struct object object = library_object();

	map_library(0x400000, "");
	object.bytes[64 + 3 * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_vaddr) + 7] = 0xff;
	write_object(0x400000, object);
	assert_coverage(0, 0, 0);
}
END_TEST

START_TEST(deleted_file_is_read_in_memory)
{
	map(0x400000, 0x402000, "r-xp", 0, 7, "/nowhere/x (deleted)", "sl");
	map(0x602000, 0x605000, "rw-p", 0x2000, 7, "/nowhere/x (deleted)", "");
	write_object(0x400000, elf64(ET_EXEC, 64, program, ARRAY_SIZE(program)));
	assert_coverage(0x2000, 0x2000, 1);
	/* Where memory may not be read there is no way to know: never an image less. */
	remove_file("mem");
	ck_assert_int_eq(failure(), -EACCES);
}
END_TEST

/* Writes the object as a file below the process's root and returns its inode. */
static unsigned write_mapped_file(const char *name, struct object object)
{
	static char real_device[32];
	char path[PATH_MAX];
	struct stat stat;

	write_bytes(name, 0, object.bytes, sizeof(object.bytes));
	snprintf(path, sizeof(path), "%s/%d/%s", tree, PID, name);
	ck_assert_int_eq(lstat(path, &stat), 0);
	snprintf(real_device, sizeof(real_device), "%02x:%02x", major(stat.st_dev),
		minor(stat.st_dev));
	device = real_device;
	return (unsigned)stat.st_ino;
}

static void map_program_file(unsigned inode)
{
	map(0x400000, 0x402000, "r-xp", 0, inode, "/a b", "sl");
	map(0x602000, 0x603000, "rw-p", 0x2000, inode, "/a b", "");
	map(0x603000, 0x605000, "rw-p", 0, 0, "", "");
}

/* Yama's ptrace scope 1 allows smaps but not mem. */
START_TEST(file_is_read_where_memory_may_not)
{
	make_directory("root");
	remove_file("mem");
	map_program_file(
		write_mapped_file("root/a b", elf64(ET_EXEC, 64, program, ARRAY_SIZE(program))));
	assert_coverage(0x2000, 0x2000, 1);
}
END_TEST

START_TEST(replaced_file_is_not_believed)
{
	make_directory("root");
	remove_file("mem");
	map_program_file(
		write_mapped_file("root/old", elf64(ET_EXEC, 64, program, ARRAY_SIZE(program))));
	write_mapped_file("root/a b", elf64(ET_EXEC, 64, program, ARRAY_SIZE(program)));
	ck_assert_int_eq(failure(), -EACCES);
}
END_TEST

START_TEST(symbolic_link_is_not_followed)
{
	char path[PATH_MAX];

	make_directory("root");
	remove_file("mem");
	map_program_file(
		write_mapped_file("root/old", elf64(ET_EXEC, 64, program, ARRAY_SIZE(program))));
	snprintf(path, sizeof(path), "%s/%d/root/a b", tree, PID);
	ck_assert_int_eq(symlink("old", path), 0);
	ck_assert_int_eq(failure(), -EACCES);
}
END_TEST

START_TEST(device_is_no_image)
{
	char path[PATH_MAX];
	struct stat stat;

	make_directory("root");
	remove_file("mem");
	snprintf(path, sizeof(path), "%s/%d/root/a b", tree, PID);
	ck_assert_int_eq(mkfifo(path, 0600), 0); /* opening it would not return */
	ck_assert_int_eq(lstat(path, &stat), 0);
	write_mapped_file("root/old", library_object()); /* for the device number */
	map(0x400000, 0x401000, "r--p", 0, (unsigned)stat.st_ino, "/a b", "");
	assert_coverage(0, 0, 0);
}
END_TEST

struct expectation {
	enum memseal_kind kind;
	uint64_t sealable;
	const char *object, *why;
};

START_TEST(mappings_are_told)
{
	static const struct expectation expected[] = {
		{ MEMSEAL_KIND_RODATA, 0x1000, "/lib/x.so", "not sealed" },
		{ MEMSEAL_KIND_TEXT, 0x2000, "/lib/x.so", "not sealed" },
		{ MEMSEAL_KIND_RODATA, 0x1000, "/lib/x.so", NULL },
		{ MEMSEAL_KIND_RELRO, 0x1000, "/lib/x.so", NULL },
		{ MEMSEAL_KIND_DATA, 0, "/lib/x.so", "writable data" },
		{ MEMSEAL_KIND_BSS, 0, "/lib/x.so", "writable data" },
		{ MEMSEAL_KIND_HEAP, 0, "[heap]", "heap" },
		{ MEMSEAL_KIND_ANON, 0, "[anon:a b]", "not part of an image" },
		{ MEMSEAL_KIND_FILE, 0, "/tmp/a b\\012c (deleted)", "not part of an image" },
		{ MEMSEAL_KIND_MEMFD, 0, "/memfd:m (deleted)", "not part of an image" },
		{ MEMSEAL_KIND_SHM, 0, "/SYSV00000000 (deleted)", "not part of an image" },
		{ MEMSEAL_KIND_STACK, 0, "[stack]", "stack" },
		{ MEMSEAL_KIND_VVAR, 0x4000, "[vvar]", "not sealed" },
		{ MEMSEAL_KIND_VDSO, 0x2000, "[vdso]", "not sealed" },
		{ MEMSEAL_KIND_VSYSCALL, 0, "[vsyscall]", "cannot be sealed" },
	};
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;

	map(0x400000, 0x401000, "r--p", 0, 7, "/lib/x.so", "");
	map(0x401000, 0x403000, "r-xp", 0x1000, 7, "/lib/x.so", "");
	map_library_tail(0x400000, "sl");
	map(0x500000, 0x501000, "rw-p", 0, 0, "[heap]", "");
	map(0x510000, 0x511000, "rw-p", 0, 0, "[anon:a b]", "");
	map(0x520000, 0x521000, "rw-s", 0, 8, "/tmp/a b\\012c (deleted)", "");
	map(0x530000, 0x531000, "rw-s", 0, 9, "/memfd:m (deleted)", "");
	map(0x540000, 0x541000, "rw-s", 0, 10, "/SYSV00000000 (deleted)", "");
	map(0x600000, 0x621000, "rw-p", 0, 0, "[stack]", "");
	map(0x700000, 0x704000, "r--p", 0, 0, "[vvar]", "");
	map(0x704000, 0x706000, "r-xp", 0, 0, "[vdso]", "");
	map(0xffffffffff600000, 0xffffffffff601000, "--xp", 0, 0, "[vsyscall]", "");
	write_object(0x400000, library_object());
	ck_assert_int_eq(open_process(&process), 0);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
		ck_assert_int_eq(mapping.kind, expected[i].kind);
		ck_assert_uint_eq(mapping.sealable_bytes, expected[i].sealable);
		ck_assert_pstr_eq(mapping.object, expected[i].object);
		ck_assert_pstr_eq(mapping.why, expected[i].why);
		ck_assert_int_eq(mapping.sealed, !expected[i].why);
	}
	ck_assert_uint_eq(mapping.start, 0xffffffffff600000);
	ck_assert_uint_eq(mapping.end, 0xffffffffff601000);
	ck_assert_str_eq(mapping.perm, "--xp");
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 0);
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 0);
	memseal_process_close(process);
}
END_TEST

START_TEST(name_may_hold_anything)
{
	struct memseal_process_opts opts = { .size = sizeof(opts), .proc = tree };
	char name[MEMSEAL_NAME_SIZE];
	struct memseal_process *process;

	map_library(0x400000, "");
	remove_file("comm");
	write_file("comm", "a\n\033\xff) S 6789abc\n");
	ck_assert_int_eq(open_process(&process), 0);
	ck_assert_str_eq(memseal_process_comm(process), "a\n\033\xff) S 6789abc");
	memseal_process_close(process);
	ck_assert_int_eq(memseal_process_name(PID, &opts, name), 0);
	ck_assert_str_eq(name, "a\n\033\xff) S 6789abc");
	ck_assert_int_eq(memseal_process_name(PID + 1, &opts, name), -ESRCH);
	ck_assert_int_eq(memseal_process_name(0, &opts, name), -EINVAL);
}
END_TEST

START_TEST(arguments_are_checked)
{
	struct {
		struct memseal_process_opts known;
		char newer;
	} opts = { .known = { .size = sizeof(opts), .proc = tree } };
	struct memseal_process *process;

	map_library(0x400000, "");
	ck_assert_int_eq(memseal_process_open(PID, &opts.known, &process), 0);
	memseal_process_close(process);
	opts.newer = 1;
	ck_assert_int_eq(memseal_process_open(PID, &opts.known, &process), -EINVAL);
	opts.known.size = 4;
	ck_assert_int_eq(memseal_process_open(PID, &opts.known, &process), -EINVAL);
	opts.known.size = sizeof(opts.known);
	ck_assert_int_eq(memseal_process_open(0, &opts.known, &process), -EINVAL);
	ck_assert_int_eq(memseal_process_open(-1, &opts.known, &process), -EINVAL);
	ck_assert_int_eq(memseal_process_open(INT_MIN, &opts.known, &process), -EINVAL);
	ck_assert_int_eq(memseal_process_open(PID + 1, &opts.known, &process), -ESRCH);
	memseal_process_close(NULL);
}
END_TEST

/* Structs of an older and of a newer caller: a field less, if there is one, and one more. */
START_TEST(output_structs_may_grow)
{
	struct {
		struct memseal_coverage known;
		uint64_t newer[2];
	} coverage = { .newer = { 1, 1 } };
	struct {
		struct memseal_mapping known;
		uint64_t newer[2];
	} mapping = { .newer = { 1, 1 } };
	struct memseal_process *process;

	map_library(0x400000, "sl");
	write_object(0x400000, library_object());
	ck_assert_int_eq(open_process(&process), 0);
	coverage.known.size = sizeof(coverage.known) + 8;
	ck_assert_int_eq(memseal_process_coverage(process, &coverage.known), 0);
	ck_assert_uint_eq(coverage.known.size, sizeof(coverage.known) + 8);
	ck_assert_uint_eq(coverage.known.sealed_bytes, LIBRARY_SEALABLE);
	ck_assert_uint_eq(coverage.newer[0], 0);
	ck_assert_uint_eq(coverage.newer[1], 1);
	mapping.known.size = sizeof(mapping.known) + 8;
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping.known), 1);
	ck_assert_uint_eq(mapping.known.size, sizeof(mapping.known) + 8);
	ck_assert_uint_eq(mapping.known.start, 0x400000);
	ck_assert_uint_eq(mapping.newer[0], 0);
	ck_assert_uint_eq(mapping.newer[1], 1);
	memseal_process_close(process);
}
END_TEST

START_TEST(output_structs_of_no_version_are_refused)
{
	struct memseal_coverage coverage = { .size = sizeof(size_t), .sealable_bytes = 77 };
	struct memseal_mapping mapping = { .size = sizeof(mapping) - 1, .start = 77 };
	struct memseal_process *process;

	map_library(0x400000, "sl");
	write_object(0x400000, library_object());
	ck_assert_int_eq(open_process(&process), 0);
	ck_assert_int_eq(memseal_process_coverage(process, NULL), -EINVAL);
	ck_assert_int_eq(memseal_process_coverage(process, &coverage), -EINVAL);
	ck_assert_uint_eq(coverage.sealable_bytes, 77);
	ck_assert_int_eq(memseal_process_next_mapping(process, NULL), -EINVAL);
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), -EINVAL);
	ck_assert_uint_eq(mapping.start, 77);
	/* None was skipped. */
	mapping.size = sizeof(mapping);
	ck_assert_int_eq(memseal_process_next_mapping(process, &mapping), 1);
	ck_assert_uint_eq(mapping.start, 0x400000);
	memseal_process_close(process);
}
END_TEST

START_TEST(directory_without_proc_is_refused)
{
	struct memseal_process_opts opts = { .size = sizeof(opts), .proc = "/var/empty-or-not" };
	struct memseal_process *process;

	ck_assert_int_eq(memseal_process_open(PID, &opts, &process), -ENOENT);
	opts.proc = "/usr/lib";
	ck_assert_int_eq(memseal_process_open(PID, &opts, &process), -ENOENT);
	opts.proc = "/etc/passwd";
	ck_assert_int_eq(memseal_process_open(PID, &opts, &process), -ENOENT);
}
END_TEST

START_TEST(kernel_thread_is_told)
{
	struct memseal_process_opts opts = { .size = sizeof(opts), .proc = tree };
	char name[MEMSEAL_NAME_SIZE];

	remove_file("stat");
	write_stat('S', 0x208040);
	remove_file("comm");
	write_file("comm", "pool_workqueue_release\n");
	ck_assert_int_eq(failure(), -ENXIO);
	ck_assert_int_eq(memseal_process_name(PID, &opts, name), 0);
	ck_assert_str_eq(name, "pool_workqueue_");
}
END_TEST

START_TEST(zombie_is_told)
{
	make_directory("task");
	remove_file("stat");
	write_stat('Z', 0x40000c);
	ck_assert_int_eq(failure(), -ESRCH);
}
END_TEST

START_TEST(ended_main_thread_leaves_the_others)
{
	make_directory("task");
	make_directory("task/42");
	make_directory("task/43");
	write_file("task/42/stat", "42 (x) Z 1 1 1 0 -1 4194316 0\n");
	write_file("task/43/stat", "43 (x) S 1 1 1 0 -1 4194304 0\n");
	write_file("task/43/comm", "worker\n");
	map(0x704000, 0x706000, "r-xp", 0, 0, "[vdso]", "sl");
	move_file("smaps", "task/43/smaps");
	write_file("smaps", "%s", "");
	remove_file("stat");
	write_stat('Z', 0x40000c);
	assert_coverage(0x2000, 0x2000, 1);
}
END_TEST

START_TEST(broken_text_is_refused)
{
	map_library(0x400000, "");
	write_file("smaps", "00500000-00501000 r--p 0000");
	ck_assert_int_eq(failure(), -EBADMSG);
}
END_TEST

START_TEST(kernel_without_smaps_is_told)
{
	remove_file("smaps");
	ck_assert_int_eq(failure(), -EOPNOTSUPP);
	remove_file("stat");
	ck_assert_int_eq(failure(), -ESRCH);
}
END_TEST

static int remember(pid_t pid, void *arg)
{
	pid_t *seen = arg;

	*seen += pid;
	return 0;
}

static int stop(pid_t pid, void *arg)
{
	(void)arg;
	return -pid;
}

START_TEST(processes_are_listed)
{
	struct memseal_process_opts opts = { .size = sizeof(opts), .proc = tree };
	pid_t seen = 0;

	ck_assert_int_eq(memseal_process_each(&opts, remember, &seen), 0);
	ck_assert_int_eq(seen, PID);
	ck_assert_int_eq(memseal_process_each(&opts, stop, NULL), -PID);
	ck_assert_int_eq(memseal_process_each(&opts, NULL, NULL), -EINVAL);
	opts.proc = "/usr/lib";
	ck_assert_int_eq(memseal_process_each(&opts, remember, &seen), -ENOENT);
}
END_TEST

START_TEST(kinds_have_names)
{
	ck_assert_str_eq(memseal_kind_name(MEMSEAL_KIND_TEXT), "text");
	ck_assert_str_eq(memseal_kind_name(MEMSEAL_KIND_SPECIAL), "special");
	ck_assert_str_eq(memseal_kind_name((enum memseal_kind)99), "unknown");
	ck_assert_str_eq(memseal_kind_name((enum memseal_kind) - 1), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proc");
	TCase *tcase = tcase_create("fake");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, library_is_counted);
	tcase_add_test(tcase, sealed_library_is_counted);
	tcase_add_test(tcase, partly_sealed_library_is_counted);
	tcase_add_test(tcase, writable_relro_is_not_sealed);
	tcase_add_test(tcase, library_loaded_twice_is_two_images);
	tcase_add_test(tcase, file_mapped_whole_is_no_image);
	tcase_add_test(tcase, file_mapped_whole_executable_is_no_image);
	tcase_add_test(tcase, data_library_is_counted);
	tcase_add_test(tcase, data_library_mapped_whole_is_no_image);
	tcase_add_test(tcase, neighbour_file_is_no_segment);
	tcase_add_test(tcase, segments_replaced_by_memory_are_counted);
	tcase_add_test(tcase, shared_segments_are_counted_and_locked);
	tcase_add_test(tcase, copied_segments_are_counted_and_locked);
	tcase_add_test(tcase, copied_data_library_is_counted);
	tcase_add_test(tcase, memfd_without_write_seal_is_not_locked);
	tcase_add_test(tcase, view_that_another_can_write_to_is_open);
	tcase_add_test(tcase, writable_and_executable_segment_is_open);
	tcase_add_test(tcase, executable_data_is_open);
	tcase_add_test(tcase, unsealed_text_is_open);
	tcase_add_test(tcase, irrelevant_header_is_ignored);
	tcase_add_test(tcase, wiped_headers_make_no_100);
	tcase_add_test(tcase, false_image_explains_no_code_of_a_file);
	tcase_add_test(tcase, images_that_claim_the_same_are_no_100);
	tcase_add_test(tcase, giant_headers_are_given_up);
	tcase_add_test(tcase, giant_smaps_is_given_up);
	tcase_add_loop_test(
		tcase, executable_memory_beside_images_is_shown, 0, ARRAY_SIZE(besides));
	tcase_add_test(tcase, file_in_memory_is_no_library);
	tcase_add_test(tcase, split_head_is_counted);
	tcase_add_test(tcase, fixed_program_is_counted);
	tcase_add_test(tcase, fixed_program_elsewhere_is_no_image);
	tcase_add_test(tcase, program_of_32_bits_is_counted);
	tcase_add_test(tcase, far_program_headers_are_found);
	tcase_add_test(tcase, far_program_headers_are_not_lost);
	tcase_add_test(tcase, small_object_is_one_image);
	tcase_add_test(tcase, small_data_object_is_one_image);
	tcase_add_test(tcase, vdso_is_an_image);
	tcase_add_test(tcase, damaged_headers_are_no_image);
	tcase_add_test(tcase, deleted_file_is_read_in_memory);
	tcase_add_test(tcase, file_is_read_where_memory_may_not);
	tcase_add_test(tcase, replaced_file_is_not_believed);
	tcase_add_test(tcase, symbolic_link_is_not_followed);
	tcase_add_test(tcase, device_is_no_image);
	tcase_add_test(tcase, mappings_are_told);
	tcase_add_test(tcase, name_may_hold_anything);
	tcase_add_test(tcase, arguments_are_checked);
	tcase_add_test(tcase, output_structs_may_grow);
	tcase_add_test(tcase, output_structs_of_no_version_are_refused);
	tcase_add_test(tcase, directory_without_proc_is_refused);
	tcase_add_test(tcase, kernel_thread_is_told);
	tcase_add_test(tcase, zombie_is_told);
	tcase_add_test(tcase, ended_main_thread_leaves_the_others);
	tcase_add_test(tcase, broken_text_is_refused);
	tcase_add_test(tcase, kernel_without_smaps_is_told);
	tcase_add_test(tcase, processes_are_listed);
	tcase_add_test(tcase, kinds_have_names);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
