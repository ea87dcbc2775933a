/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded into real programs: when the program has done its work, tries every attack of the
 * catalogue on the text, the read-only data and the RELRO of the program, of libc, of the dynamic
 * loader and of the library that was loaded last, and lets the program end.
 *
 * The first process that finds the file $ATTACK_REPORT absent makes it and reports there, one line
 * an attack: object, role, attack and result, tab separated; the last line is "end". Built without
 * libc, as the agent is: the attacks that work take libc's text away.
 */
#include "base/page.h"
#include "agent/libc.h"

#include <fcntl.h>

#include "attack/attack.h"
#include "base/sys.h"
#include "model/image.h"
#include "model/maps.h"

#define VARIABLE "ATTACK_REPORT="

static char path[4096];
static pid_t reporter;
static size_t page;

struct line {
	char text[256];
	size_t len;
};

static void put(struct line *line, const char *text, char end)
{
	while (*text != '\0' && line->len < sizeof(line->text) - 1)
		line->text[line->len++] = *text++;
	line->text[line->len++] = end;
}

static void send(int report, const struct line *line)
{
	if (sys_write(report, line->text, line->len) != (ssize_t)line->len)
		sys_exit_group(99);
}

static bool contains(const char *text, const char *part)
{
	for (; *text != '\0'; text++) {
		size_t i = 0;

		while (part[i] != '\0' && text[i] == part[i])
			i++;
		if (part[i] == '\0')
			return true;
	}
	return false;
}

/* A page that differs from the file, if there is one: what was relocated or written. */
static uint64_t different_page(const struct attack_target *target)
{
	static unsigned char file[65536];

	for (uint64_t at = 0; at < target->len; at += page) {
		const unsigned char *memory = (const unsigned char *)(uintptr_t)(target->addr + at);
		uint64_t offset = target->offset + at;

		if (sys_pread(target->file, file, page, offset) != (ssize_t)page)
			break;
		for (size_t i = 0; i < page; i++)
			if (memory[i] != file[i])
				return at;
	}
	return target->len / page / 2 * page;
}

struct scene {
	int report;
	const char *object;
	struct image image;
	uint64_t bias;
	int file;
};

static void attack_all(const struct scene *scene, const char *role, struct attack_target *target)
{
	uint64_t watched = different_page(target);

	target->watched = target->addr + watched;
	target->offset += watched;
	for (size_t i = 0; i < attack_count; i++) {
		struct line line = { .len = 0 };
		struct attack_result result;
		char text[ATTACK_TEXT_SIZE] = "died";

		if (attack_run(&attack_catalogue[i], target, &result) == 0)
			attack_result_text(&result, text);
		put(&line, scene->object, '\t');
		put(&line, role, '\t');
		put(&line, attack_catalogue[i].name, '\t');
		put(&line, text, '\n');
		send(scene->report, &line);
	}
}

/* The last of a kind: of two read-only segments the one behind the text. */
static void attack_segment(const struct scene *scene, const char *role, unsigned prot)
{
	struct attack_target target = {
		.page = page, .len = 0, .file = scene->file, .writable = -1
	};
	struct image_segment segment;

	for (unsigned i = 0; i < scene->image.phnum; i++) {
		if (image_segment(&scene->image, i, &segment) < 0 || segment.type != PT_LOAD ||
			segment.prot != prot)
			continue;
		target.addr = page_down(scene->bias + segment.vaddr, page);
		target.len =
			page_down(scene->bias + segment.vaddr + segment.memsz + page - 1, page) -
			target.addr;
		target.offset = page_down(segment.offset, page);
	}
	if (target.len != 0)
		attack_all(scene, role, &target);
}

static void attack_relro(const struct scene *scene)
{
	struct attack_target target = { .page = page, .file = scene->file, .writable = -1 };
	struct image_segment relro;
	struct span span;

	if (image_find(&scene->image, PT_GNU_RELRO, &relro) < 0 ||
		image_relro(&scene->image, page, &span) < 0 || span.start == span.end)
		return;
	target.addr = scene->bias + span.start;
	target.len = span.end - span.start;
	target.offset = relro.offset - (relro.vaddr - span.start);
	attack_all(scene, "relro", &target);
}

static void attack_object(int report, const char *name, const struct dl_phdr_info *info)
{
	const char *file = info->dlpi_name[0] != '\0' ? info->dlpi_name : "/proc/self/exe";
	struct scene scene = { .report = report, .object = name, .bias = info->dlpi_addr };

	scene.file = sys_openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
	image_init_native(&scene.image, info->dlpi_phdr, info->dlpi_phnum);
	attack_segment(&scene, "text", MAPPING_READ | MAPPING_EXEC);
	attack_segment(&scene, "rodata", MAPPING_READ);
	attack_relro(&scene);
	sys_close_cleanup(&scene.file);
}

/* Copies: the loader's own may be where the attacks go. */
enum object {
	OBJECT_PROGRAM,
	OBJECT_LIBC,
	OBJECT_LOADER,
	OBJECT_LIBRARY,
	OBJECTS,
};

static const char *const object_names[OBJECTS] = { "program", "libc", "loader", "library" };

struct objects {
	struct dl_phdr_info info[OBJECTS];
	bool found[OBJECTS];
	bool any;
};

static int note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct objects *objects = arg;
	enum object object = OBJECT_LIBRARY;

	(void)size;
	if (!objects->any)
		object = OBJECT_PROGRAM;
	else if (contains(info->dlpi_name, "/libc.so") || contains(info->dlpi_name, "/libc.musl"))
		object = OBJECT_LIBC;
	else if (contains(info->dlpi_name, "/ld-"))
		object = OBJECT_LOADER;
	else if (info->dlpi_name[0] != '/' || contains(info->dlpi_name, "memseal") ||
		 contains(info->dlpi_name, "attack-inside"))
		return 0;
	objects->any = true;
	objects->found[object] = true;
	objects->info[object] = *info;
	return 0;
}

static const char *variable(char *const *envp, const char *name)
{
	for (; envp != NULL && *envp != NULL; envp++) {
		size_t i = 0;

		while (name[i] != '\0' && (*envp)[i] == name[i])
			i++;
		if (name[i] == '\0')
			return *envp + i;
	}
	return NULL;
}

/* musl passes no arguments to constructors. */
static char **environment(int argc, char **argv, char **envp)
{
	if (argc >= 0 && argv + argc + 1 == envp)
		return envp;
	return &environ ? environ : NULL;
}

/* The program may overwrite its environment later, and its children inherit it. */
__attribute__((constructor)) static void claim(int argc, char **argv, char **envp)
{
	const char *value = variable(environment(argc, argv, envp), VARIABLE);
	int fd;

	for (size_t i = 0; value != NULL && value[i] != '\0' && i < sizeof(path) - 1; i++)
		path[i] = value[i];
	fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	sys_close_cleanup(&fd);
	reporter = sys_getpid();
}

__attribute__((destructor)) static void report(void)
{
	struct objects objects = { .any = false };
	CLEANUP(sys_close_cleanup) int fd = -1;

	if (reporter == 0 || reporter != sys_getpid())
		return;
	page = getauxval(AT_PAGESZ);
	fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
	dl_iterate_phdr(note_object, &objects);
	for (int i = 0; i < OBJECTS; i++)
		if (objects.found[i])
			attack_object(fd, object_names[i], &objects.info[i]);
	send(fd, &(struct line){ .text = "end\n", .len = 4 });
}
