/* The few macros that every file may use: the end of a local's life, and array lengths. */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

/* Runs fn(&local) when the local goes out of scope. fn takes a pointer to the local. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
/* Hands an owned pointer or descriptor on: the local no longer owns it. */
#define TAKE_PTR(p) (__extension__({ __typeof__(p) take_ = (p); (p) = NULL; take_; }))
#define TAKE_FD(fd) (__extension__({ int take_ = (fd); (fd) = -1; take_; }))

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
