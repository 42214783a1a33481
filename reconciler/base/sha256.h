/* SHA-256 (FIPS 180-4). */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

#define SHA256_HEX_SIZE 65 /* 64 digits and the NUL */

/* Lower-case hex digest of n bytes. */
void sha256_hex(const void *bytes, size_t n, char out[SHA256_HEX_SIZE]);

#endif
