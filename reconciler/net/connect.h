/* Between http.c and probe.c only: requests that end when the TCP connection stands. */
#ifndef NET_CONNECT_H
#define NET_CONNECT_H

#include <stdbool.h>

#include "net/http.h"

/* http_perform(), where connect_only[i] (the array may be NULL) says that requests[i] sends nothing. */
void http_perform_or_connect(struct http *h, struct request *requests, size_t count, const bool *connect_only);

#endif
