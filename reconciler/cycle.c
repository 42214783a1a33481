/* observe -> decide -> act, until the host matches. */
typedef int cycle_placeholder;
