/* SPDX-License-Identifier: BSD-2-Clause */
/* For builds without hiredis. Nothing here is called, because the option --bus is rejected. */
#include "bus/redis.h"

bool
redis_bus_is_built(void)
{
	return false;
}

struct redis_bus *
redis_bus_new(const struct redis_bus_spec *spec)
{
	(void)spec;
	return NULL;
}

void
redis_bus_free(struct redis_bus *bus)
{
	(void)bus;
}

struct bus *
redis_bus_base(struct redis_bus *bus)
{
	(void)bus;
	return NULL;
}

const _Atomic uint64_t *
redis_bus_first_id(const struct redis_bus *bus)
{
	(void)bus;
	return NULL;
}
