/* See the header. A word ends at a blank outside quotes; '...' is literal, in "..." and outside a backslash takes the
 * next character as it is. */
#include "desired/shellwords.h"

#include <string.h>

#include "base/buf.h"

struct words {
	struct arena *a;
	struct value *list;
	struct buf word;
	bool is_open; /* a word has begun; "" begins one, too */
};

static void end_word(struct words *w)
{
	if (w->is_open)
		value_push(w->a, w->list, value_string(arena_strdup(w->a, w->word.text)));
	w->is_open = false;
	buf_clear(&w->word);
}

/* Behind the opening quote; returns behind the closing one, NULL when there is none. */
static const char *quoted(struct words *w, const char *s, char quote)
{
	for (; *s && *s != quote; s++) {
		if (*s == '\\' && quote == '"' && s[1])
			s++;
		buf_add(&w->word, s, 1);
	}
	return *s ? s + 1 : NULL;
}

/* `...` and $(...) are kept as they stand, as one piece: nothing expands them. */
static const char *kept(struct words *w, const char *s, size_t opening, char last)
{
	const char *end = strchr(s + opening, last);
	if (end)
		buf_add(&w->word, s, (size_t)(end + 1 - s));
	return end ? end + 1 : NULL;
}

static const char *step(struct words *w, const char *s, struct err *e)
{
	if (strchr(" \t\r\n", *s)) {
		end_word(w);
		return s + 1;
	}
	if (*s == '#' && !w->is_open)
		return s + strcspn(s, "\n");
	if (*s == '(') {
		err_set(e, ERR_INVALID, "an unquoted '(' would need a shell; write a list: [sh, -c, \"...\"]");
		return NULL;
	}
	w->is_open = true;
	if (*s == '\'' || *s == '"' || *s == '`' || (*s == '$' && s[1] == '(')) {
		const char *behind = *s == '`' ? kept(w, s, 1, '`') : *s == '$' ? kept(w, s, 2, ')') : quoted(w, s + 1, *s);
		if (!behind)
			err_set(e, ERR_INVALID, "what %c opens is never closed", *s);
		return behind;
	}
	if (*s == '\\' && s[1])
		s++;
	buf_add(&w->word, s, 1);
	return s + 1;
}

int shellwords(const char *text, struct arena *a, struct value *list, const char **dropped, struct err *e)
{
	struct words w = {.a = a, .list = list, .word = BUF_INIT(strlen(text))};
	list->kind = VALUE_LIST;
	*dropped = NULL;
	while (text && *text && !*dropped) {
		if (strchr(";&|<>", *text))
			*dropped = text;
		else
			text = step(&w, text, e);
	}
	if (text)
		end_word(&w);
	buf_done(&w.word);
	return text ? 0 : -1;
}
