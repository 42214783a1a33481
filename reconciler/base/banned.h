/*
 * What our sources may not call, and why. Included by the build in front of every file of ours, after the headers
 * that declare the names, so that a use is a compile error and the declaration is not.
 *
 *   strcpy strcat sprintf   no bound                 -> buf_printf(), snprintf()
 *   strtok                  hidden state             -> strcspn(), strchr()
 *   atoi                    no error                 -> strtoll() with a check
 *   system popen            a shell                  -> process_run()
 *   sleep usleep            deaf to a stop request   -> clock_sleep_ms()
 *   time                    a second clock           -> clock_now_ms()
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#undef sprintf /* with _FORTIFY_SOURCE and clang they are macros */
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol system popen usleep

#endif
