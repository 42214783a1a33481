/*
 * Preloaded into the tool: CLOCK_JUMP_AFTER_MS after its first look at the wall clock that one goes wrong by
 * CLOCK_JUMP_S seconds, as when somebody sets it. The monotonic clock goes on, as the kernel's does.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long number_of(const char *name)
{
	const char *text = getenv(name);
	return text ? strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	static long long first_ms;
	struct timespec up;
	long result = syscall(SYS_clock_gettime, id, out);
	if (result < 0 || id != CLOCK_REALTIME)
		return (int)result;
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &up);
	long long now_ms = up.tv_sec * 1000LL + up.tv_nsec / 1000000;
	first_ms = first_ms ? first_ms : now_ms;
	if (now_ms - first_ms >= number_of("CLOCK_JUMP_AFTER_MS"))
		out->tv_sec += number_of("CLOCK_JUMP_S");
	return 0;
}
