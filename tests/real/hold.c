/*
 * Holds N MiB of memory with a pattern in it, so that a limit below that swaps some of it out. On SIGTERM it reads all of
 * it back and says whether it is whole.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t pattern(size_t i)
{
	return i * 0x9e3779b97f4a7c15u + 1;
}

int main(int argc, char **argv)
{
	size_t count = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1) * 1024 * 1024 / sizeof(uint64_t);
	uint64_t *all = malloc(count * sizeof *all);
	sigset_t set;
	int number;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; all && i < count; i++)
		all[i] = pattern(i);
	puts(all ? "full" : "no memory");
	fflush(stdout);
	sigwait(&set, &number);
	for (size_t i = 0; all && i < count; i++)
		if (all[i] != pattern(i))
			return puts("broken") < 0;
	puts("whole");
	return 0;
}
