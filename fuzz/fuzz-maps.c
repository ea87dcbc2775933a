/* SPDX-License-Identifier: MIT */
/* Any bytes as /proc/PID/maps and as smaps. */
#include <errno.h>

#include "fuzz.h"
#include "model/maps.h"

static void check_mapping(const struct mapping *mapping, const char *line, const char *end)
{
	CHECK(mapping->start < mapping->end);
	CHECK((mapping->start | mapping->end | mapping->offset) % 4096 == 0);
	CHECK(mapping->prot < 8);
	CHECK(mapping->kind <= MAPPING_SPECIAL);
	CHECK(mapping->name >= line && mapping->name_len < (size_t)(end - mapping->name));
	CHECK(!memchr(mapping->name, '\n', mapping->name_len));
	CHECK(!memchr(mapping->name, '\0', mapping->name_len));
	CHECK(mapping->name_len == 0 || mapping->name[0] != ' ');
	CHECK(!mapping->deleted || !memcmp(mapping->name + mapping->name_len, " (deleted)", 10));
}

static void check_path(const struct mapping *mapping)
{
	char buf[64];
	int len = mapping_path(mapping, buf, sizeof(buf));

	if (len < 0) {
		CHECK(len == -ENAMETOOLONG && mapping->name_len >= sizeof(buf));
		return;
	}
	CHECK((size_t)len < sizeof(buf) && (size_t)len <= mapping->name_len);
	CHECK(strlen(buf) == (size_t)len);
	CHECK(((mapping->name_len - (size_t)len) % 3) == 0);
}

/* Writes the fields as fs/proc/task_mmu.c does: what was read must come out again. */
static void check_round_trip(const struct mapping *mapping)
{
	struct mapping again;
	struct maps maps;
	char line[256];
	int len = snprintf(line, sizeof(line), "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu \n",
		(unsigned long long)mapping->start, (unsigned long long)mapping->end,
		mapping->prot & MAPPING_READ ? 'r' : '-', mapping->prot & MAPPING_WRITE ? 'w' : '-',
		mapping->prot & MAPPING_EXEC ? 'x' : '-', mapping->shared ? 's' : 'p',
		(unsigned long long)mapping->offset, mapping->dev_major, mapping->dev_minor,
		(unsigned long long)mapping->inode);

	maps_init(&maps, line, (size_t)len, MAPS_PLAIN);
	CHECK(maps_next(&maps, &again) == 1);
	CHECK(again.start == mapping->start && again.end == mapping->end);
	CHECK(again.prot == mapping->prot && again.shared == mapping->shared);
	CHECK(again.offset == mapping->offset && again.inode == mapping->inode);
	CHECK(again.dev_major == mapping->dev_major && again.dev_minor == mapping->dev_minor);
	CHECK(again.kind == MAPPING_ANON && !again.deleted && again.name_len == 0);
}

static size_t read_all(const char *text, size_t size, enum maps_format format)
{
	struct mapping mapping = { 0 };
	struct maps maps;
	uint64_t last = 0;
	size_t count = 0;
	int r;

	maps_init(&maps, text, size, format);
	for (;; count++) {
		const char *line = maps.at;

		r = maps_next(&maps, &mapping);
		if (r != 1)
			break;
		CHECK(mapping.start >= last);
		last = mapping.end;
		check_mapping(&mapping, line, maps.at);
		check_path(&mapping);
		check_round_trip(&mapping);
	}
	CHECK(r == 0 ? maps.at == maps.end : r == -EBADMSG);
	CHECK(maps_next(&maps, &mapping) == r);
	CHECK(mapping.end == last);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t plain = read_all((const char *)data, size, MAPS_PLAIN);
	size_t smaps = read_all((const char *)data, size, MAPS_SMAPS);

	/* The same bytes cannot be both, but for one mapping before the first line of flags. */
	CHECK(plain <= 1 || smaps == 0);
	return 0;
}
