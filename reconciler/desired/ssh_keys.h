/* The two files of SSH that we read ourselves, as text: known_hosts, and enough of a private key to say why it fails. */
#ifndef DESIRED_SSH_KEYS_H
#define DESIRED_SSH_KEYS_H

#include <stddef.h>

enum known_host {
	KNOWN_HOST_NEVER, /* no line for this host */
	KNOWN_HOST_OTHER, /* lines for this host, none for this type of key */
	KNOWN_HOST_WRONG, /* another key of this type: changed, or somebody in the middle */
	KNOWN_HOST_SAME,
};

/*
 * Looks `host` up in the text of a known_hosts file (sshd(8)). `type` is "ssh-ed25519"; key and length are its raw bytes.
 * Names are compared as they stand, without patterns; lines with hashed names (HashKnownHosts) or a marker are passed
 * over.
 */
enum known_host known_host(const char *text, const char *host, int port, const char *type, const void *key, size_t length);

/* What keeps a private key from being used here: "is an RSA key, ...", to follow the file's name. NULL: nothing known. */
const char *private_key_flaw(const char *text);

/* Base64 (RFC 4648) without '=' at the end, as OpenSSH prints fingerprints. out: at least length * 4 / 3 + 3 bytes. */
void base64_bare(const void *bytes, size_t length, char *out);

#endif
