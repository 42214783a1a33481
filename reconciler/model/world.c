/* The names that go with a swap file. */
#include "model/world.h"

#include <string.h>

bool swap_is_helper(const char *path)
{
	static const char *const ends[] = {SWAP_PART, SWAP_BRIDGE};
	size_t length = strlen(path);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);
		if (length > n && strcmp(path + length - n, ends[i]) == 0)
			return true;
	}
	return false;
}
