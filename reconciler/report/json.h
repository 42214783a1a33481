/*
 * --json: what machines read, in terraform's shapes. A plan, a status and a validation are one document on one line; a
 * run is a line for each thing that happens. What is secret reads "(secret)", and *_sensitive says where.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "base/err.h"
#include "report/report.h"

/* is_whole: every manifest of Git is in it. */
void json_plan(struct buf *out, const struct plan *p, bool is_whole);
void json_status(struct buf *out, const struct desired *d, const struct decision *decision, const struct world *w);
/*
 * Diagnostics are lines of "FILE:LINE:COLUMN: PATH: MESSAGE", as desired/manifest.h gives them; what of that a line does
 * not have is left away. `e`: NULL, or what ended it, if no line says so.
 */
void json_validation(struct buf *out, const struct desired *d, const char *errors, const char *warnings, const struct err *e);
/* Instead of a document that there cannot be: the lines of `errors`, as above, or `e` when there are none. */
void json_failure(struct buf *out, const char *errors, const struct err *e);

/* Lines of a run. `type` is "apply_start", "apply_complete" or "apply_errored"; `e` is for the last. */
void json_line_version(struct buf *out);
void json_line_action(struct buf *out, const char *type, const struct action *a, const struct err *e);
void json_line_diagnostic(struct buf *out, const struct err *e);
/* One for each line of `errors`, as above. */
void json_lines_of_errors(struct buf *out, const char *errors);
/* The end: what it amounted to, and where each service stands. */
void json_line_summary(struct buf *out, const struct tally *t, const struct decision *d, const char *message);

#endif
