/* SPDX-License-Identifier: MIT */
/*
 * memseal_self() from within: what is sealed by smaps, which objects, its errors. What a program
 * can still do afterwards is tried from outside: tests/api/programs.bats.
 */
#include <dlfcn.h>
#include <errno.h>

#include <memseal.h>

#include "helpers/images.h"

static size_t page;
static bool refuse_to_pin;

/* The library's own call comes through here too. */
void *dlopen(const char *file, int mode)
{
	void *(*next)(const char *, int);

	if (refuse_to_pin && (mode & RTLD_NODELETE))
		return NULL;
	*(void **)&next = dlsym(RTLD_NEXT, "dlopen");
	return next(file, mode);
}

static void setup(void)
{
	page = page_size();
}

static void assert_all_sealed(void)
{
	struct images_count count = count_images(NULL);

	ck_assert_uint_ge(count.images, 4); /* the program, [vdso], libc, ld.so */
	ck_assert_uint_gt(count.sealable, 100 * page);
	ck_assert_uint_eq(count.sealed, count.sealable);
}

static void assert_system_mapping_sealed(const char *name)
{
	size_t len;
	char *start;

	ck_assert(find_mapping(name, &start, &len));
	ck_assert_uint_eq(smaps_sealed(start, len), len);
}

static int seal(size_t *ret_sealed)
{
	struct memseal_self_opts opts = { .size = sizeof(opts), .ret_sealed = ret_sealed };

	return memseal_self(&opts);
}

static size_t sealed_in_all(void)
{
	return smaps_count(NULL, SIZE_MAX).sealed;
}

START_TEST(every_image)
{
	size_t before = sealed_in_all(), sealed = 0;

	ck_assert_uint_lt(count_images(NULL).sealed, count_images(NULL).sealable);
	ck_assert_int_eq(seal(&sealed), 0);
	ck_assert_uint_eq(sealed_in_all() - before, sealed);
	assert_all_sealed();
	assert_system_mapping_sealed("[vdso]");
	assert_system_mapping_sealed("[vvar]");
}
END_TEST

START_TEST(twice)
{
	size_t sealed = 1;

	ck_assert_int_eq(memseal_self(NULL), 0);
	ck_assert_int_eq(seal(&sealed), 0);
	ck_assert_uint_eq(sealed, 0);
	assert_all_sealed();
}
END_TEST

static void *load(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW);

	ck_assert_msg(handle != NULL, "%s", dlerror());
	return handle;
}

/* Is the plugin loaded? */
static size_t plugins(void)
{
	return count_images("plugin.so").images;
}

/* A relative path is another name to the loader. */
START_TEST(loaded_before_is_pinned)
{
	struct images_count count;
	void *handle;
	int (*answer)(int);

	ck_assert_int_eq(chdir(TEST_PLUGIN_DIR), 0);
	handle = load(_i ? "./plugin.so" : TEST_PLUGIN_DIR "/plugin.so");
	*(void **)&answer = dlsym(handle, "plugin_answer");
	ck_assert_int_eq(memseal_self(NULL), 0);
	ck_assert_int_eq(dlclose(handle), 0);
	ck_assert_uint_eq(plugins(), 1);
	ck_assert_int_eq(answer(1), 43);
	count = count_images("plugin.so");
	ck_assert_uint_gt(count.sealable, 0);
	ck_assert_uint_eq(count.sealed, count.sealable);
	/* It is not loaded once more. */
	ck_assert_ptr_eq(
		dlsym(load(_i ? "./plugin.so" : TEST_PLUGIN_DIR "/plugin.so"), "plugin_answer"),
		*(void **)&answer);
	ck_assert_uint_eq(plugins(), 1);
}
END_TEST

START_TEST(loaded_after_is_not_sealed)
{
	void *handle;

	ck_assert_int_eq(memseal_self(NULL), 0);
	handle = load(TEST_PLUGIN_DIR "/plugin.so");
	ck_assert_uint_eq(count_images("plugin.so").sealed, 0);
	ck_assert_int_eq(dlclose(handle), 0);
	ck_assert_uint_eq(plugins(), 0);
	load(TEST_PLUGIN_DIR "/plugin.so");
	ck_assert_int_eq(memseal_self(NULL), 0);
	assert_all_sealed();
}
END_TEST

/* Without the repair the file's bytes come back under a seal; no destructor can run then. */
static bool discarded_in_a_child(void *at, int *volatile *pointer)
{
	int *before = *pointer;
	pid_t pid = fork();

	if (pid == 0) {
		bool done = memseal_range(at, page, MEMSEAL_MAPPING) == 0 &&
			    madvise(at, page, MADV_DONTNEED) == 0;

		_exit(done && *pointer != before ? 0 : 1);
	}
	return wait_for(pid) == 0;
}

START_TEST(relro_is_not_discarded)
{
	int *volatile *pointer = dlsym(load(TEST_PLUGIN_DIR "/plugin.so"), "plugin_pointer");
	void *at = (void *)((uintptr_t)pointer & ~(page - 1));
	int *before = *pointer;

	ck_assert(discarded_in_a_child(at, pointer));
	ck_assert_int_eq(memseal_self(NULL), 0);
	ck_assert_int_eq(madvise(at, page, MADV_DONTNEED), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_ptr_eq(*pointer, before);
}
END_TEST

START_TEST(cannot_be_pinned_is_ebusy)
{
	size_t before = sealed_in_all(), sealed = 1;

	load(TEST_PLUGIN_DIR "/plugin.so");
	refuse_to_pin = true;
	ck_assert_int_eq(seal(&sealed), -EBUSY);
	ck_assert_uint_eq(sealed, 0);
	ck_assert_uint_eq(sealed_in_all(), before);
	refuse_to_pin = false;
	ck_assert_int_eq(seal(&sealed), 0);
	assert_all_sealed();
}
END_TEST

static int find_phdrs(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	if (!name_ends_in(info->dlpi_name, "plugin.so"))
		return 0;
	*(struct dl_phdr_info *)arg = *info;
	return 1;
}

START_TEST(damaged_headers_are_enoexec)
{
	struct dl_phdr_info info;
	ElfW(Phdr) * phdr;
	ElfW(Xword) good;
	size_t sealed = 1;
	int i = 0;

	load(TEST_PLUGIN_DIR "/plugin.so");
	ck_assert_int_eq(dl_iterate_phdr(find_phdrs, &info), 1);
	while (info.dlpi_phdr[i].p_type != PT_LOAD)
		i++;
	phdr = (ElfW(Phdr) *)&info.dlpi_phdr[i];
	ck_assert_int_eq(mprotect((void *)((uintptr_t)phdr & ~(page - 1)), page, READ_WRITE), 0);
	good = phdr->p_memsz;
	phdr->p_memsz = UINT64_MAX;
	ck_assert_int_eq(seal(&sealed), -ENOEXEC);
	ck_assert_uint_gt(sealed, 0); /* the others */
	ck_assert_uint_eq(count_images("plugin.so").sealed, 0);
	phdr->p_memsz = good;
	ck_assert_int_eq(mprotect((void *)((uintptr_t)phdr & ~(page - 1)), page, PROT_READ), 0);
	ck_assert_int_eq(seal(&sealed), 0);
	assert_all_sealed();
}
END_TEST

static const struct {
	long call;
	int error, answer;
} filters[] = {
	{ SYS_mseal, EPERM, -EPERM },
	{ SYS_mseal, ENOSYS, -EOPNOTSUPP },
	{ SYS_mremap, EPERM, -EOPNOTSUPP },
	{ SYS_mremap, ENOSYS, -EOPNOTSUPP },
	{ SYS_mmap, ENOMEM, -ENOMEM },
};

START_TEST(filtered)
{
	size_t before = sealed_in_all(), sealed = 1;

	deny(filters[_i].call, filters[_i].error);
	ck_assert_int_eq(seal(&sealed), filters[_i].answer);
	ck_assert_uint_eq(sealed, 0);
	if (filters[_i].call != SYS_mmap)
		ck_assert_uint_eq(sealed_in_all(), before);
}
END_TEST

static const int maps_errors[] = { EACCES, ENOENT, EIO, EMFILE, ENFILE };

START_TEST(maps_cannot_be_opened)
{
	size_t sealed = 1;

	deny(SYS_openat, maps_errors[_i]);
	ck_assert_int_eq(seal(&sealed), -maps_errors[_i]);
	ck_assert_uint_eq(sealed, 0);
}
END_TEST

START_TEST(options)
{
	struct {
		struct memseal_self_opts opts;
		char tail[16];
	} newer = { .opts = { .size = sizeof(newer) } };
	size_t nothing = 0, size_alone = sizeof(size_t);

	newer.tail[3] = 1;
	ck_assert_int_eq(memseal_self(&newer.opts), -EINVAL);
	ck_assert_int_eq(memseal_self((struct memseal_self_opts *)&nothing), -EINVAL);
	newer.tail[3] = 0;
	ck_assert_int_eq(memseal_self((struct memseal_self_opts *)&size_alone), 0);
	ck_assert_int_eq(memseal_self(&newer.opts), 0);
}
END_TEST

/* by_text: without PROCMAP_QUERY, which Linux has since 6.11, as older kernels do it. */
static TCase *self_case(const char *name, void (*by_text)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, NULL);
	if (by_text)
		tcase_add_checked_fixture(tc, by_text, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_image);
	tcase_add_test(tc, twice);
	tcase_add_loop_test(tc, loaded_before_is_pinned, 0, 2);
	tcase_add_test(tc, loaded_after_is_not_sealed);
	tcase_add_test(tc, relro_is_not_discarded);
	tcase_add_test(tc, cannot_be_pinned_is_ebusy);
	tcase_add_test(tc, damaged_headers_are_enoexec);
	/* AddressSanitizer needs mmap(2) itself. */
	tcase_add_loop_test(tc, filtered, 0, SANITIZED ? 4 : 5);
	tcase_add_loop_test(tc, maps_cannot_be_opened, 0, 5);
	tcase_add_test(tc, options);
	return tc;
}

static Suite *self_suite(void)
{
	Suite *suite = suite_create("self");

	suite_add_tcase(suite, self_case("self", NULL));
	suite_add_tcase(suite, self_case("self by text", deny_map_query));
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(self_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
