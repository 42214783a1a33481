/*
 * .dockerignore, by Docker's rules: one pattern in a line, '#' begins a comment, '!' takes back; '*' and '?' stay inside a
 * folder, '**' does not; the last pattern that matches a path, or a folder on the way to it, decides.
 */
#include "desired/ignore.h"

#include <string.h>

struct ignore_rule {
	const char *pattern;
	bool takes_back;
};

/* "[a-c]", "[^x]": *pattern points at the bracket and is moved behind the closing one. */
static bool match_class(const char **pattern, char c)
{
	const char *p = *pattern + 1;
	bool is_not = *p == '^' || *p == '!', found = false;
	p += is_not;
	for (bool is_first = true; *p && (is_first || *p != ']'); is_first = false) {
		char low = *p == '\\' && p[1] ? *++p : *p, high = low;
		p++;
		if (*p == '-' && p[1] && p[1] != ']') {
			high = p[1];
			p += 2;
		}
		found = found || (c >= low && c <= high);
	}
	*pattern = *p ? p + 1 : p;
	return c && c != '/' && found != is_not;
}

static bool match(const char *p, const char *s)
{
	while (*p) {
		if (p[0] == '*' && p[1] == '*') {
			p += 2 + (p[2] == '/');
			bool is_folder = p[-1] == '/';
			for (;; s++) {
				if (match(p, s))
					return true;
				s = is_folder ? strchr(s, '/') : s;
				if (!s || !*s)
					return false;
			}
		}
		if (*p == '*') {
			for (p++; !match(p, s); s++)
				if (!*s || *s == '/')
					return false;
			return true;
		}
		if (*p == '[') {
			if (!match_class(&p, *s++))
				return false;
			continue;
		}
		if (*p == '?' ? !*s || *s == '/' : *(p += *p == '\\' && p[1]) != *s)
			return false;
		p++;
		s++;
	}
	return !*s;
}

/* "/a/./b/" -> "a/b" */
static const char *clean(struct arena *a, const char *text, size_t length)
{
	char *out = arena_strdup(a, "");
	for (const char *end = text + length; text < end;) {
		size_t n = strcspn(text, "/") < (size_t)(end - text) ? strcspn(text, "/") : (size_t)(end - text);
		if (n && !(n == 1 && *text == '.'))
			out = arena_printf(a, "%s%s%.*s", out, *out ? "/" : "", (int)n, text);
		text += n + 1;
	}
	return out;
}

static void read_line(const char *line, size_t length, struct arena *a, struct ignore *out)
{
	static const char blanks[] = " \t\r";
	if (length && *line == '#')
		return;
	for (; length && strchr(blanks, line[length - 1]); length--)
		;
	for (; length && strchr(blanks, *line); line++)
		length--;
	struct ignore_rule rule = {.takes_back = length && *line == '!'};
	rule.pattern = clean(a, line + rule.takes_back, length - rule.takes_back);
	if (*rule.pattern)
		*ARENA_PUSH(a, out->rules, out->count) = rule;
}

void ignore_read(const char *text, struct arena *a, struct ignore *out)
{
	*out = (struct ignore){0};
	while (text && *text) {
		size_t length = strcspn(text, "\n");
		read_line(text, length, a, out);
		text += length + (text[length] == '\n');
	}
}

bool ignore_has(const struct ignore *ignore, const char *path)
{
	bool is_ignored = false;
	char part[4096];
	for (size_t i = 0; i < ignore->count; i++) {
		bool matches = match(ignore->rules[i].pattern, path);
		for (const char *slash = path; !matches && (slash = strchr(slash, '/')); slash++) {
			size_t n = (size_t)(slash - path);
			if (n >= sizeof part)
				break;
			memcpy(part, path, n);
			part[n] = 0;
			matches = match(ignore->rules[i].pattern, part);
		}
		if (matches)
			is_ignored = !ignore->rules[i].takes_back;
	}
	return is_ignored;
}
