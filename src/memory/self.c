/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <memseal.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/page.h"
#include "base/scratch.h"
#include "images/images.h"

#ifdef __GLIBC__
/* Weak: a static program has no dlopen(), and nothing to pin. */
#pragma weak dlopen

static bool pin(const char *name)
{
	return !dlopen || dlopen(name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
#define PIN pin
#else
#define PIN NULL /* musl never unloads, and does not find the program itself by its name */
#endif

static int iterate(const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg)
{
	(void)where;
	return dl_iterate_phdr(fn, arg);
}

EXPORT int memseal_self(const struct memseal_self_opts *opts)
{
	/* The loader is idle, says the contract: what it left writable will stay so. */
	const struct images_opts images_opts = {
		.all = true,
		.settled = true,
		.pin = PIN,
		.iterate = iterate,
		.stack = SCRATCH_SMALL,
	};
	struct images_result result;
	struct memseal_self_opts options;
	int r = opts_read(&options, sizeof(options), opts);

	if (r < 0)
		return r;
	r = images_seal(&images_opts, page_size(), &result);
	if (options.ret_sealed)
		*options.ret_sealed = result.sealed;
	return errors_only(r, -EOPNOTSUPP, ERRORS_SELF);
}
