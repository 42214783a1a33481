/* Numbers with units. Whole numbers are exact; a fraction goes through long double, whose 64 bits hold any of them. */
#include "desired/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define MAX_AMOUNT 9.2e18L

/* "12", "1.5", ".5": moves *s behind it. */
static bool read_amount(const char **s, long double *amount)
{
	long double whole = 0, scale = 1;
	int digits = 0;
	for (; isdigit((unsigned char)**s); (*s)++, digits++)
		whole = whole * 10 + (**s - '0');
	if (**s == '.') {
		for ((*s)++; isdigit((unsigned char)**s); (*s)++, digits++)
			whole += (**s - '0') * (scale /= 10);
	}
	*amount = whole;
	return digits > 0 && whole < MAX_AMOUNT;
}

bool units_bytes(const char *text, int64_t *bytes)
{
	static const char suffixes[] = "kmgtp";
	long double amount;
	if (!read_amount(&text, &amount))
		return false;
	if (*text == ' ')
		text++;
	const char *suffix = *text ? strchr(suffixes, tolower((unsigned char)*text)) : NULL;
	if (suffix) {
		for (long i = 0; i <= suffix - suffixes; i++)
			amount *= 1024;
		text++;
		if (strcasecmp(text, "b") == 0 || strcasecmp(text, "ib") == 0)
			text = "";
	} else if (tolower((unsigned char)*text) == 'b') {
		text++;
	}
	if (*text || amount > MAX_AMOUNT)
		return false;
	*bytes = (int64_t)amount;
	return true;
}

bool units_duration_ns(const char *text, int64_t *ns)
{
	/* Longer names first: "m" is the start of "ms". The micro sign has two code points. */
	static const struct {
		const char *name;
		long double ns;
	} units[] = {
		{"ns", 1}, {"us", 1e3L}, {"\xc2\xb5s", 1e3L}, {"\xce\xbcs", 1e3L}, {"ms", 1e6L}, {"s", 1e9L},
		{"m", 60e9L}, {"h", 3600e9L}, {"d", 86400e9L}, {"w", 604800e9L},
	};
	long double total = 0, amount;
	if (!*text)
		return false;
	while (*text) {
		size_t i = 0;
		if (!read_amount(&text, &amount))
			return false;
		while (i < ARRAY_LEN(units) && strncmp(text, units[i].name, strlen(units[i].name)) != 0)
			i++;
		if (i == ARRAY_LEN(units))
			return false;
		text += strlen(units[i].name);
		total += amount * units[i].ns;
		if (total > MAX_AMOUNT)
			return false;
	}
	*ns = (int64_t)(total + 0.5L);
	return true;
}

bool units_nano_cpus(const char *text, int64_t *nano_cpus)
{
	long double amount;
	if (!read_amount(&text, &amount) || *text || amount > 1e6L)
		return false;
	*nano_cpus = (int64_t)(amount * 1e9L + 0.5L);
	return true;
}

bool units_int(const char *text, int64_t *n)
{
	char *end;
	if (!isdigit((unsigned char)text[*text == '-']))
		return false;
	errno = 0;
	*n = strtoll(text, &end, 10);
	return !*end && !errno;
}
