/* SPDX-License-Identifier: MIT */
#include "agent/loader.h"

#include <errno.h>
#include <signal.h>

#include "agent/libc.h"
#include "agent/state.h"
#include "base/page.h"
#include "base/sys.h"
#include "images/symbols.h"
#include "model/image.h"

/* Hidden: the agent's own. */
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* struct r_debug of glibc, struct debug of musl; since glibc 2.35, with version 2, more follow. */
struct debug {
	int version;
	const struct link_map *map;
	uintptr_t breakpoint;
	int state;
	uintptr_t loader;
	struct debug *next;
};

static const struct debug *find_debug(void)
{
	if (agent.debug)
		return agent.debug;
	if (loader_debug_of_glibc)
		return (const void *)loader_debug_of_glibc;
	return &_dl_debug_addr ? _dl_debug_addr : NULL;
}

static const struct link_map *program_map(void)
{
	const struct debug *debug = find_debug();

	return debug ? debug->map : NULL;
}

/*
 * Can a page be read? The set of signals is copied before the operation is looked at, which is
 * none: 0 is not the kernel's answer.
 */
static bool is_readable(uint64_t addr)
{
	int r = sys_sigprocmask(-1, (const uint64_t *)(uintptr_t)addr, NULL);

	return r != -EFAULT && r != 0;
}

/* Are there the headers of a whole ELF object at this page? */
static bool read_headers(uint64_t start, uint64_t bias, struct dl_phdr_info *ret)
{
	struct image_header header;

	if (start == 0 || start % agent.page || !is_readable(start) ||
		image_header((const void *)(uintptr_t)start, IMAGE_EHDR_SIZE, &header) < 0 ||
		!range_within(header.phoff, image_phdrs_size(&header), agent.page))
		return false;
	*ret = (struct dl_phdr_info){
		.dlpi_addr = bias,
		.dlpi_phdr = (const void *)(uintptr_t)(start + header.phoff),
		.dlpi_phnum = header.phnum,
	};
	return true;
}

static const ElfW(Dyn) * find_dynamic(const struct dl_phdr_info *info)
{
	struct image_segment dynamic;
	struct image image;

	image_init_native(&image, info->dlpi_phdr, info->dlpi_phnum);
	if (image_find(&image, PT_DYNAMIC, &dynamic) < 0)
		return NULL;
	return (const void *)(uintptr_t)(info->dlpi_addr + dynamic.vaddr);
}

/* Are these headers those of the object, whose dynamic section the loader knows? */
static bool describes(uint64_t start, const struct link_map *map, struct dl_phdr_info *ret)
{
	return read_headers(start, map->l_addr, ret) && find_dynamic(ret) == map->l_ld;
}

static bool describe_program(struct dl_phdr_info *ret)
{
	ret->dlpi_phdr = (const void *)getauxval(AT_PHDR);
	ret->dlpi_phnum = (ElfW(Half))getauxval(AT_PHNUM);
	return ret->dlpi_phdr != NULL;
}

/* Not if the loader was started as a program: then the kernel told of the loader. */
static bool describes_program(const struct link_map *map, struct dl_phdr_info *ret)
{
	*ret = (struct dl_phdr_info){ .dlpi_addr = map->l_addr };
	return map == program_map() && describe_program(ret) && find_dynamic(ret) == map->l_ld;
}

/* How far behind its first page an object may have its dynamic section. */
#define REACH ((uint64_t)64 << 20)

/*
 * An object that was linked to address 0 starts at its bias. One that was not, and whose headers
 * the loader does not publish, is looked for backwards from what is known of it.
 */
static bool find_headers(const struct link_map *map, uint64_t reach, struct dl_phdr_info *ret)
{
	uint64_t at = page_down((uintptr_t)map->l_ld, agent.page);
	uint64_t last = at > reach ? at - reach : agent.page;
	bool found = describes_program(map, ret) || describes(map->l_addr, map, ret);

	for (; !found && at > last; at -= agent.page)
		found = describes(at, map, ret);
	ret->dlpi_name = map->l_name ? map->l_name : "";
	return found;
}

void loader_describe(const struct link_map *map, struct dl_phdr_info *ret)
{
	if (find_headers(map, REACH, ret))
		return;
	*ret = (struct dl_phdr_info){ .dlpi_addr = map->l_addr, .dlpi_name = ret->dlpi_name };
	if (map == program_map())
		(void)describe_program(ret);
}

/*
 * While the program waits. Not one that is just unloaded: it is unmapped before it is taken out of
 * the list, and something else may be there already.
 */
static bool describe_stopped(const struct link_map *map, struct dl_phdr_info *ret)
{
	const uint64_t near = (uint64_t)1 << 20;

	return map->l_ld && is_readable(page_down((uintptr_t)map->l_ld, agent.page)) &&
	       find_headers(map, near, ret);
}

_Static_assert(LOADER_NAMESPACES_MAX == ARRAY_SIZE(agent_mutable.heads), "room for each");

/* The head of the nth namespace but the program's, or NULL behind the last one. */
static const struct link_map *namespace_head(unsigned n)
{
	const struct debug *debug = find_debug();

	if (!agent.chained)
		return n < LOADER_NAMESPACES_MAX
			       ? __atomic_load_n(&agent_mutable.heads[n], __ATOMIC_SEQ_CST)
			       : NULL;
	for (debug = debug->version > 1 ? debug->next : NULL; debug; debug = debug->next)
		if (debug->map && n-- == 0)
			return debug->map;
	return NULL;
}

void loader_add_namespace(const struct link_map *object)
{
	const struct link_map *head = object;

	while (head && head->l_prev)
		head = head->l_prev;
	if (agent.chained || !head || head == program_map())
		return;
	for (unsigned i = 0; i < LOADER_NAMESPACES_MAX; i++) {
		const struct link_map *free = NULL;

		if (__atomic_compare_exchange_n(&agent_mutable.heads[i], &free, head, false,
			    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
			free == head)
			return;
	}
}

struct listing {
	const struct loader_limit *limit; /* or NULL */
	int (*fn)(struct dl_phdr_info *, size_t, void *);
	void *arg;
	unsigned listed; /* of the program's namespace */
	bool stopped;    /* a thread may stand still in the middle of unloading an object */
};

static unsigned limit_of(const struct listing *listing, unsigned namespace)
{
	return listing->limit ? listing->limit->counts[namespace] : ~0U;
}

static int list_maps(const struct listing *listing, const struct link_map *map, unsigned limit)
{
	struct dl_phdr_info info;
	int r = 0;

	for (; map && r == 0 && limit > 0; map = map->l_next, limit--) {
		if (!listing->stopped)
			loader_describe(map, &info);
		else if (!describe_stopped(map, &info))
			continue;
		r = listing->fn(&info, sizeof(info), listing->arg);
	}
	return r;
}

/* ld.so as its own list has it, or NULL. */
static const struct link_map *loader_map(void)
{
	const struct link_map *map = program_map();

	while (map && map->l_ld != agent.loader.dynamic)
		map = map->l_next;
	return map;
}

/* A program that needs no library has none in its list, not even the loader. */
static int list_loader(const struct listing *listing)
{
	struct dl_phdr_info info = {
		.dlpi_addr = agent.loader.bias,
		.dlpi_name = "the dynamic loader",
		.dlpi_phdr = agent.loader.phdrs,
		.dlpi_phnum = (ElfW(Half))agent.loader.phnum,
	};

	return loader_map() || !info.dlpi_phdr ? 0 : listing->fn(&info, sizeof(info), listing->arg);
}

static int list_namespaces(const struct listing *listing)
{
	const struct link_map *head;
	int r = list_loader(listing);

	for (unsigned i = 0; r == 0 && i + 1 < LOADER_NAMESPACES_MAX && (head = namespace_head(i));
		i++)
		r = list_maps(listing, head, limit_of(listing, i + 1));
	return r;
}

static unsigned count_maps(const struct link_map *map)
{
	unsigned count = 0;

	for (; map; map = map->l_next)
		count++;
	return count;
}

/* The loader counts what it adds; what is not there any more was removed. */
static unsigned long long read_limit(const struct dl_phdr_info *info, struct loader_limit *ret)
{
	const struct link_map *head;

	*ret = (struct loader_limit){ .removed = info->dlpi_adds };
	for (unsigned i = 0; i < LOADER_NAMESPACES_MAX; i++) {
		head = i == 0 ? program_map() : namespace_head(i - 1);
		if (!head)
			break;
		ret->counts[i] = count_maps(head);
		ret->removed -= ret->counts[i];
	}
	return ret->removed;
}

/* The first object comes with the lock held: the other namespaces are looked at under it as well.
 */
static int list_one(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct listing *listing = arg;
	struct loader_limit now;

	if (listing->limit && read_limit(info, &now) != listing->limit->removed)
		return -EAGAIN;
	if (listing->listed == 0) {
		int r = list_namespaces(listing);

		if (r != 0)
			return r;
	}
	if (listing->listed++ >= limit_of(listing, 0))
		return 0;
	return listing->fn(info, size, listing->arg);
}

int loader_list(const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg)
{
	struct listing listing = { .limit = where, .fn = fn, .arg = arg };
	int r;

	if (agent.iterate)
		return agent.iterate(list_one, &listing);
	r = list_maps(&listing, program_map(), ~0U);
	return r ? r : list_namespaces(&listing);
}

/* The bias is not told, but where the headers are, which are in the first page of the file. */
static bool describe_static(struct dl_phdr_info *ret)
{
	const uint64_t start = page_down(getauxval(AT_PHDR), agent.page);
	struct image_segment segment;
	struct image image;

	if (!read_headers(start, start, ret) || (uintptr_t)ret->dlpi_phdr != getauxval(AT_PHDR))
		return false;
	image_init_native(&image, ret->dlpi_phdr, ret->dlpi_phnum);
	for (unsigned i = 0; i < ret->dlpi_phnum; i++)
		if (image_load(&image, i, &segment) == 1 &&
			page_down(segment.offset, agent.page) == 0) {
			ret->dlpi_addr = start - page_down(segment.vaddr, agent.page);
			ret->dlpi_name = "";
			return true;
		}
	return false;
}

static int list_static(const struct listing *listing)
{
	struct dl_phdr_info info;

	return describe_static(&info) ? listing->fn(&info, sizeof(info), listing->arg) : -ENOEXEC;
}

static int list_agent(const struct listing *listing)
{
	const ElfW(Ehdr) *header = (const void *)__ehdr_start;
	struct dl_phdr_info info = {
		.dlpi_addr = (uintptr_t)__ehdr_start,
		.dlpi_name = "memseal's agent",
		.dlpi_phdr = (const void *)(__ehdr_start + header->e_phoff),
		.dlpi_phnum = header->e_phnum,
	};

	return listing->fn(&info, sizeof(info), listing->arg);
}

bool loader_absent(void)
{
	return getauxval(AT_BASE) == 0 && !program_map();
}

int loader_list_stopped(
	const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg)
{
	struct listing listing = { .fn = fn, .arg = arg };
	int r = list_agent(&listing);

	(void)where;
	listing.stopped = true;
	if (r == 0 && loader_absent())
		return list_static(&listing);
	if (r == 0)
		r = list_maps(&listing, program_map(), ~0U);
	return r ? r : list_namespaces(&listing);
}

static int note_limit(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)read_limit(info, arg);
	return 1;
}

bool loader_limit_read(struct loader_limit *ret)
{
	return agent.glibc && agent.iterate && agent.iterate(note_limit, ret) == 1;
}

static void *find_in(const struct link_map *map, const char *name)
{
	struct symbols symbols;

	return symbols_read(map->l_addr, map->l_ld, &symbols) ? symbols_find(&symbols, name) : NULL;
}

void *loader_next(const char *name)
{
	const struct link_map *map = program_map();
	void *found = NULL;

	while (map && map->l_ld != _DYNAMIC)
		map = map->l_next;
	while (!found && map && (map = map->l_next))
		found = find_in(map, name);
	return found;
}

static bool is_loaders_own(const void *at)
{
	for (unsigned i = 0; i < agent.loader.phnum; i++) {
		const ElfW(Phdr) *phdr = &agent.loader.phdrs[i];
		uint64_t start = agent.loader.bias + phdr->p_vaddr;
		struct span pages = { page_down(start, agent.page),
			page_down(start + phdr->p_memsz + agent.page - 1, agent.page) };

		if (phdr->p_type == PT_LOAD && span_holds(pages, (uintptr_t)at))
			return true;
	}
	return false;
}

/* Objects that a constructor had the C library open are in its heap: that is not to be sealed. */
static bool is_in_heap(const void *at, uint64_t heap_end)
{
	const uint64_t most = (uint64_t)1 << 30;

	return heap_end - (uintptr_t)at < most;
}

/* Of each struct link_map, which the loader makes much larger than the public part. */
#define LINK_MAP_MIN (sizeof(void *) * 64)

size_t loader_list_pages(struct images_run *ret, size_t room)
{
	const struct link_map *map = program_map();
	const uint64_t heap_end = sys_brk(0);
	size_t count = 0;

	for (; map && !is_in_heap(map, heap_end); map = map->l_next) {
		uint64_t at = (uintptr_t)map, start = page_down(at, agent.page),
			 end = page_down(at + LINK_MAP_MIN + agent.page - 1, agent.page);

		if (is_loaders_own(map))
			continue;
		if (count > 0 && start >= ret[count - 1].start && start <= ret[count - 1].end)
			ret[count - 1].end = max_u64(ret[count - 1].end, end);
		else if (count < room && (count == 0 || start > ret[count - 1].end))
			ret[count++] =
				(struct images_run){ .start = start, .end = end, .data = true };
	}
	return count;
}

uint64_t loader_program_bias(void)
{
	const struct link_map *map = program_map();

	return map ? map->l_addr : 0;
}

void *loader_symbol(const char *name)
{
	struct symbols symbols;

	return symbols_read(agent.loader.bias, agent.loader.dynamic, &symbols)
		       ? symbols_find(&symbols, name)
		       : NULL;
}

/* If the loader was started as a program, the kernel does not say where it is: it does itself. */
static uint64_t find_base(void)
{
	const struct debug *debug = find_debug();
	uint64_t base = getauxval(AT_BASE);

	return base || !debug ? base : debug->loader;
}

/* What the name of the object's file has behind this, or NULL. */
static const char *behind_name(const struct link_map *map, const char *wanted)
{
	const char *name = map->l_name ? map->l_name : "", *last = name;

	for (; *name; name++)
		if (*name == '/')
			last = name + 1;
	while (*wanted && *last == *wanted) {
		last++;
		wanted++;
	}
	return *wanted ? NULL : last;
}

bool loader_lists(const char *file)
{
	for (const struct link_map *map = program_map(); map; map = map->l_next) {
		const char *rest = behind_name(map, file);

		if (rest && *rest == '\0')
			return true;
	}
	return false;
}

/* glibc's is libc.so.6, musl's is the loader. */
void *loader_libc(const char *name)
{
	const struct link_map *map = program_map();
	void *found = NULL;

	if (!agent.glibc)
		return loader_symbol(name);
	for (; !found && map; map = map->l_next)
		if (behind_name(map, "libc.so.")) /* 6, or another version */
			found = find_in(map, name);
	return found;
}

/* Under its name in glibc, in musl, or of a loader that was started as a program. */
static const void *find_own_debug(void)
{
	const void *debug = loader_symbol("_r_debug");
	const void *const *pointer = debug ? NULL : loader_symbol("_dl_debug_addr");

	if (pointer)
		debug = *pointer;
	return debug ? debug : find_debug();
}

void loader_find(void)
{
	struct dl_phdr_info info;

	agent.loader.bias = find_base();
	if (!read_headers(agent.loader.bias, agent.loader.bias, &info))
		return;
	agent.loader.phdrs = info.dlpi_phdr;
	agent.loader.phnum = info.dlpi_phnum;
	agent.loader.dynamic = find_dynamic(&info);
	agent.debug = find_own_debug();
	agent.glibc = loader_symbol("_rtld_global_ro") != NULL;
	agent.chained = loader_symbol("__rseq_offset") != NULL;
	agent.iterate = (loader_iterate_fn *)loader_libc("dl_iterate_phdr");
}
