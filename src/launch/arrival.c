/* SPDX-License-Identifier: MIT */
#include "launch/arrival.h"

#include <string.h>
#include <sys/resource.h>

#include "base/sys.h"

/*
 * More than a loader, the agent and a small stack need, and less than a C library: a program that
 * has one never fits where the agent does not, and the loader itself gives up.
 */
#define ROOM_MAPPED   (2U << 20)
#define ROOM_WRITABLE (64U << 10)

/*
 * security/commoncap.c, cap_bprm_creds_from_file(): ids that differ, or capabilities from the file,
 * which executable_judge() looks at. Without those a user has the ambient ones alone, which do not
 * count.
 */
enum memseal_refusal arrival_judge_caller(void)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	if (sys_getresuid(&uid, &euid, &suid) < 0 || sys_getresgid(&gid, &egid, &sgid) < 0 ||
		uid != euid || gid != egid)
		return MEMSEAL_REFUSAL_CALLER_IDS;
	return MEMSEAL_REFUSAL_NONE;
}

static bool has_room(int resource, uint64_t used, uint64_t room)
{
	struct rlimit limit;

	if (sys_prlimit(0, resource, NULL, &limit) < 0)
		return false;
	return limit.rlim_cur == RLIM_INFINITY || range_within(room, used, limit.rlim_cur);
}

enum memseal_refusal arrival_judge_limits(const struct executable *executable)
{
	if (has_room(RLIMIT_AS, executable->mapped, ROOM_MAPPED) &&
		has_room(RLIMIT_DATA, executable->writable, ROOM_WRITABLE))
		return MEMSEAL_REFUSAL_NONE;
	return MEMSEAL_REFUSAL_NO_ROOM;
}

/*
 * The loader splits LD_PRELOAD at blanks and colons, and replaces $ORIGIN and the like; a relative
 * path changes with the directory.
 */
bool arrival_preloadable(const char *path)
{
	return path[0] == '/' && !path[strcspn(path, ": \t\n;$")];
}
