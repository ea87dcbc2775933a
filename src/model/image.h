/* SPDX-License-Identifier: MIT */
/*
 * An ELF object: what its headers say. Pure: it takes bytes, trusts none of them, allocates
 * nothing. Both classes and both byte orders, because audit meets foreign processes and files.
 */
#ifndef MEMSEAL_MODEL_IMAGE_H
#define MEMSEAL_MODEL_IMAGE_H

#include "base/span.h"
#include "base/util.h"

/* Enough of a file or of a first page to hold the ELF header of either class. */
#define IMAGE_EHDR_SIZE 64

enum image_class {
	IMAGE_32 = 1, /* the values of ELFCLASS32 and ELFCLASS64 */
	IMAGE_64 = 2,
};

struct image_header {
	enum image_class class;
	bool big_endian;
	uint16_t type;    /* ET_EXEC, ET_DYN, ... */
	uint16_t machine; /* EM_... */
	uint64_t entry;
	uint64_t phoff; /* the program headers: offset in the file, bytes */
	uint16_t phnum;
	uint16_t phentsize;
};

/* The program headers of an object, wherever their bytes are. */
struct image {
	const unsigned char *phdrs;
	uint16_t phnum;
	uint16_t phentsize;
	enum image_class class;
	bool big_endian;
};

struct image_segment {
	uint32_t type; /* PT_LOAD, ... */
	unsigned prot; /* enum mapping_prot */
	uint64_t offset, filesz;
	uint64_t vaddr, memsz;
};

/*
 * -ENOEXEC: not ELF, or a header that no kernel would accept: neither ET_EXEC nor ET_DYN, no
 * program headers or 65535 and more (PN_XNUM), entries of a wrong size. -ENODATA: len is too small.
 */
int image_header(const void *bytes, size_t len, struct image_header *ret) MUST_CHECK NONNULL(1, 3);

/* Size of the program header table in bytes; at most 65534 * 56. */
size_t image_phdrs_size(const struct image_header *header) NONNULL(1);

/* The object over its program headers, which the caller has read; -ENODATA if len is too small. */
int image_init(struct image *ret, const struct image_header *header, const void *phdrs,
	size_t len) MUST_CHECK NONNULL(1, 2, 3);

/* The object over program headers of this process's own class, as dl_iterate_phdr(3) gives them. */
void image_init_native(struct image *ret, const void *phdrs, uint16_t phnum) NONNULL(1);

/*
 * Segment i < phnum. -ENOEXEC if it wraps around, or is a PT_LOAD with more bytes in the file than
 * in memory.
 */
int image_segment(const struct image *image, unsigned i, struct image_segment *ret) MUST_CHECK
	NONNULL(1, 3);

/*
 * The same for what a loader maps: 1 if header i is a PT_LOAD that holds memory, 0 if it is
 * anything else, whose fields loaders do not look at, or -ENOEXEC.
 */
int image_load(const struct image *image, unsigned i, struct image_segment *ret) MUST_CHECK
	NONNULL(1, 3);

/* The first segment of that type: 0, -ENOENT, or -ENOEXEC. */
int image_find(const struct image *image, uint32_t type, struct image_segment *ret) MUST_CHECK
	NONNULL(1, 3);

/*
 * Whole pages that the loader makes read-only after relocation: both ends rounded down, as glibc
 * (elf/dl-reloc.c, _dl_protect_relro) and musl (ldso/dynlink.c) do. Empty without PT_GNU_RELRO.
 */
int image_relro(const struct image *image, uint64_t page, struct span *ret) MUST_CHECK
	NONNULL(1, 3);

/*
 * Pages that the object wants to change later (PT_OPENBSD_MUTABLE, where linkers put sections named
 * .openbsd.mutable): the first run of them within a span of whole pages, by link-time addresses. A
 * page that is so only in part counts. False if there is none.
 */
bool image_mutable(const struct image *image, uint64_t page, struct span within,
	struct span *ret) MUST_CHECK NONNULL(1, 4);

/* From the lowest to the highest page of all PT_LOAD; -ENOEXEC if there is none. */
int image_extent(const struct image *image, uint64_t page, struct span *ret) MUST_CHECK
	NONNULL(1, 3);

enum image_type {
	IMAGE_EXEC, /* dynamic, fixed address */
	IMAGE_PIE,  /* dynamic, any address */
	IMAGE_DYN,  /* shared object, dynamic loaders included */
	IMAGE_STATIC,
	IMAGE_STATIC_PIE,
};

/* dynamic: the bytes of PT_DYNAMIC, or NULL if the object has none. */
enum image_type image_type(const struct image_header *header, const struct image *image,
	const void *dynamic, size_t len) NONNULL(1, 2);

/* Do the bytes of a PT_GNU_PROPERTY or PT_NOTE segment ask for sealing (ld -z memory-seal)? */
bool image_note_memory_seal(const struct image *image, const void *notes, size_t len) NONNULL(1);

/* Do they say that the code can be branched to at landing pads alone (AArch64, PROT_BTI)? */
bool image_note_bti(const struct image *image, const void *notes, size_t len) NONNULL(1);

#endif
