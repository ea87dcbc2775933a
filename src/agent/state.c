/* SPDX-License-Identifier: MIT */
#include "agent/state.h"

union agent_state_pages agent_pages __attribute__((aligned(AGENT_PAGE_MAX)));
