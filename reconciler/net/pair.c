/*
 * Do a certificate and a private key go together? libcurl's TLS library is asked, which reads them as nginx does. The one
 * thing to know: libcurl reads its client's own pair when a connection stands and before a byte of TLS is sent, and tells right
 * after that; so it is given a connection to nobody, and called off there.
 */
#include "net/pair.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"

#define TIMEOUT_MS 5000L

/* Listens at a name of the kernel's choice, in no folder. */
static int listen_somewhere(char *name, size_t size)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t length = sizeof at;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at.sun_family) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &length) < 0) {
		fd_close(&fd);
		return -1;
	}
	snprintf(name, size, "%.*s", (int)(length - offsetof(struct sockaddr_un, sun_path) - 1), at.sun_path + 1);
	return fd;
}

static CURLcode call_off(CURL *easy, void *tls, void *context)
{
	(void)easy;
	(void)tls;
	(void)context;
	return CURLE_ABORTED_BY_CALLBACK;
}

/* False: this libcurl has no such options. */
static bool give_pair(CURL *easy, struct curl_blob *certificate, struct curl_blob *key)
{
	return curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, certificate) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, key) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, call_off) == CURLE_OK;
}

int pair_check(const char *certificate, size_t certificate_length, const char *key, size_t key_length, struct err *e)
{
	struct curl_blob one = {(void *)certificate, certificate_length, CURL_BLOB_NOCOPY};
	struct curl_blob other = {(void *)key, key_length, CURL_BLOB_NOCOPY};
	char name[sizeof(struct sockaddr_un)], said[CURL_ERROR_SIZE] = "";
	CLEANUP(fd_close) int fd = listen_somewhere(name, sizeof name);
	if (fd < 0)
		return 0;
	CURL *easy = curl_easy_init();
	if (!easy)
		abort();
	bool can_tell = give_pair(easy, &one, &other);
	curl_easy_setopt(easy, CURLOPT_URL, "https://nobody/");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, name);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L); /* the authorities of the system take longer to read than all else */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");      /* without it a terminal is asked */
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, said);
	CURLcode code = can_tell ? curl_easy_perform(easy) : CURLE_OK;
	curl_easy_cleanup(easy);
	return code == CURLE_SSL_CERTPROBLEM ? err_set(e, ERR_INVALID, "%s", said) : 0;
}
