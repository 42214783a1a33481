/*
 * Notes: what cannot be observed, in two copies (notes.a, notes.b) below a 0700 folder. Each write replaces the older
 * copy, then the other: sequence number, body, checksum, fsync, rename, fsync. Reading takes the newest copy that is
 * whole; one that is broken or lost costs nothing and is there again after the next write.
 */
#ifndef HOST_NOTES_H
#define HOST_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/world.h"

struct note_quarantine {
	const char *project, *service, *revision, *reason;
	int64_t since_ms;
};

struct note_good {
	const char *project, *service, *revision;
	const char *spec; /* text of service_print() */
	const char *image_id; /* see struct good of model/world.h */
};

/* An image that a service was given: see struct past_image of model/world.h. */
struct note_image {
	const char *project, *service, *image;
	const char *id;      /* what we pulled under that name; "": not ours */
	int64_t good_ms;
	bool is_secret;
};

struct notes {
	int64_t sequence;
	struct note_quarantine *quarantines;
	size_t quarantines_count;
	struct note_good *goods;
	size_t goods_count;
	struct past_goods past_goods;
	struct note_image *images;
	size_t images_count;
	struct order *orders; /* see orders.h: they have files of their own */
	size_t orders_count;
	const char *applied; /* commit that was last applied; "" */
	bool is_missing;     /* there is no copy at all: a first run, or both lost */
};

/* A missing folder or no file: is_missing, and 0. Copies that are there but none of them whole: is_missing too. */
MUST_CHECK int notes_read(const char *folder, struct arena *a, struct notes *out, struct err *e);
/* Writes *n with the next sequence number (which it stores in *n). */
MUST_CHECK int notes_write(const char *folder, struct notes *n, struct err *e);

/* In memory only; the caller writes. Takes in what is known of an image: an empty id or no time leaves the row's own as
 * it is. Old rows go when a service has more than anybody would ever go back to. Copies into the arena. */
void notes_put_image(struct notes *n, const struct note_image *image, struct arena *a);
/* The image is gone: no row names it any more. */
void notes_forget_image(struct notes *n, const char *image);

#endif
