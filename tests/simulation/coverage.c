/*
 * What clang's -fsanitize-coverage=inline-bool-flag,pc-table leaves in decide/: a flag for each branch, which is set when
 * it is taken, and beside it where the branch is. A flag, not a counter of eight bits: 256 times would be never.
 */
#include "coverage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct branch {
	uintptr_t address, kind;
};

static const bool *taken;
static const struct branch *branches;
static size_t branches_count;

/* Called by what clang puts in, before main(). */
void __sanitizer_cov_bool_flag_init(const bool *start, const bool *stop);
void __sanitizer_cov_pcs_init(const struct branch *start, const struct branch *stop);

void __sanitizer_cov_bool_flag_init(const bool *start, const bool *stop)
{
	taken = start;
	branches_count = (size_t)(stop - start);
}

void __sanitizer_cov_pcs_init(const struct branch *start, const struct branch *stop)
{
	(void)stop; /* there are as many as flags */
	branches = start;
}

void coverage_print(void)
{
	size_t count = 0;
	for (size_t i = 0; i < branches_count; i++)
		count += taken[i];
	if (branches_count)
		printf("coverage: %zu of %zu branches of decide/ (%.1f %%)\n", count, branches_count,
		       100.0 * (double)count / (double)branches_count);
	else
		puts("coverage: a build with clang counts the branches of decide/");
}

void coverage_print_missed(void)
{
	for (size_t i = 0; i < branches_count; i++)
		if (!taken[i])
			printf("%#zx\n", (size_t)branches[i].address);
}
