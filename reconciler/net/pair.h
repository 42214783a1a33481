/* Do a certificate and a private key go together? */
#ifndef NET_PAIR_H
#define NET_PAIR_H

#include <stddef.h>

#include "base/err.h"

/* PEM both, the certificate with its chain behind it. -1 with ERR_INVALID and the words of the TLS library when they do not,
 * or when one of them cannot be read. 0 also when nobody can tell, as with a libcurl that is built without OpenSSL: nginx's own test comes
 * after it. Takes a few milliseconds. */
MUST_CHECK int pair_check(const char *certificate, size_t certificate_length, const char *key, size_t key_length, struct err *e);

#endif
