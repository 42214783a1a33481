/*
 * What a plain scalar is. YAML 1.2 with the habits of go-yaml, because that is what reads the same file in Compose:
 * 022 is octal, yes is text, 1.10 is the number 1.1, and a number is printed as Go prints it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desired/yaml.h"

static const struct word {
	const char *text;
	enum scalar_type type;
	const char *canonical;
} words[] = {
	{"", SCALAR_NULL, ""}, {"~", SCALAR_NULL, ""}, {"null", SCALAR_NULL, ""}, {"Null", SCALAR_NULL, ""},
	{"NULL", SCALAR_NULL, ""},
	{"true", SCALAR_BOOL, "true"}, {"True", SCALAR_BOOL, "true"}, {"TRUE", SCALAR_BOOL, "true"},
	{"false", SCALAR_BOOL, "false"}, {"False", SCALAR_BOOL, "false"}, {"FALSE", SCALAR_BOOL, "false"},
	{".inf", SCALAR_FLOAT, "+Inf"}, {".Inf", SCALAR_FLOAT, "+Inf"}, {".INF", SCALAR_FLOAT, "+Inf"},
	{"+.inf", SCALAR_FLOAT, "+Inf"}, {"+.Inf", SCALAR_FLOAT, "+Inf"}, {"+.INF", SCALAR_FLOAT, "+Inf"},
	{"-.inf", SCALAR_FLOAT, "-Inf"}, {"-.Inf", SCALAR_FLOAT, "-Inf"}, {"-.INF", SCALAR_FLOAT, "-Inf"},
	{".nan", SCALAR_FLOAT, "NaN"}, {".NaN", SCALAR_FLOAT, "NaN"}, {".NAN", SCALAR_FLOAT, "NaN"},
};

/* Go's %v: the fewest digits that read back as the same number, with an exponent when it is below -4 or above 5: so
 * 123456.0 is 123456, and 1000000.0 is 1e+06. */
static const char *print_float(double d, struct arena *a)
{
	char digits[40];
	for (int precision = 0; precision < 17; precision++) {
		snprintf(digits, sizeof digits, "%.*e", precision, d);
		if (strtod(digits, NULL) == d)
			break;
	}
	const char *mark = strchr(digits, 'e');
	int exponent = mark ? (int)strtol(mark + 1, NULL, 10) : 0;
	if (exponent < -4 || exponent >= 6 || !mark)
		return arena_strdup(a, digits);
	int fraction = (int)(mark - digits) - (digits[0] == '-' ? 1 : 0);
	fraction = fraction > 1 ? fraction - 2 : 0; /* digits after the point in "d.ddde+N" */
	return arena_printf(a, "%.*f", fraction > exponent ? fraction - exponent : 0, d);
}

static bool is_float(const char *s)
{
	if (*s == '+' || *s == '-')
		s++;
	size_t whole = strspn(s, "0123456789");
	s += whole;
	if (*s == '.') {
		size_t fraction = strspn(s + 1, "0123456789");
		if (!whole && !fraction)
			return false;
		s += 1 + fraction;
	} else if (!whole) {
		return false;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-')
			s++;
		size_t exponent = strspn(s, "0123456789");
		if (!exponent)
			return false;
		s += exponent;
	}
	return *s == 0;
}

/* Go's ParseInt with base 0: a prefix says the base, and a leading zero alone says 8. */
static bool print_int(const char *s, struct arena *a, const char **text)
{
	bool negative = *s == '-';
	if (*s == '+' || *s == '-')
		s++;
	int base = 10;
	if (s[0] == '0' && s[1]) {
		char c = (char)tolower((unsigned char)s[1]);
		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		s += isdigit((unsigned char)s[1]) ? 1 : c == 'x' || c == 'b' || c == 'o' ? 2 : 0;
	}
	if (!isxdigit((unsigned char)*s))
		return false;
	char *end;
	errno = 0;
	uint64_t n = strtoull(s, &end, base);
	if (*end || errno || (negative && n > (uint64_t)INT64_MAX + 1) || (base == 16 && (s[1] == 'x' || s[1] == 'X')))
		return false;
	*text = arena_printf(a, "%s%" PRIu64, negative && n ? "-" : "", n);
	return true;
}

static bool is_date(const char *s)
{
	int year, month, day, used = 0;
	if (strspn(s, "0123456789") != 4 || sscanf(s, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3)
		return false;
	if (month < 1 || month > 12 || day < 1 || day > 31 || strspn(s, "0123456789-") < (size_t)used)
		return false;
	s += used;
	return *s == 0 || ((*s == 'T' || *s == 't' || *s == ' ') && isdigit((unsigned char)s[1]) && strchr(s, ':'));
}

enum scalar_type scalar_resolve(const char *plain, struct arena *a, const char **text)
{
	*text = plain;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(plain, words[i].text) == 0) {
			*text = words[i].canonical;
			return words[i].type;
		}
	}
	if (!isdigit((unsigned char)*plain) && !strchr("+-.", *plain))
		return SCALAR_STRING;
	if (is_date(plain))
		return SCALAR_DATE;
	char number[400];
	size_t length = 0;
	for (const char *s = plain; *s; s++) {
		if (*s == '_')
			continue;
		if (length == sizeof number - 1)
			return SCALAR_STRING;
		number[length++] = *s;
	}
	number[length] = 0;
	if (print_int(number, a, text))
		return SCALAR_INT;
	if (!is_float(number))
		return SCALAR_STRING;
	double d = strtod(number, NULL);
	if (isinf(d))
		return SCALAR_STRING; /* 1e999: out of range for Go, which leaves it as text */
	*text = d == 0 ? (signbit(d) ? "-0" : "0") : print_float(d, a);
	return SCALAR_FLOAT;
}
