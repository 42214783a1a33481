/* known_hosts and private keys, as text. */
#include "check.h"

#include "base/macros.h"
#include "desired/git_names.h"
#include "desired/ssh_keys.h"

/* The bytes "key" and "other" in base64, and a list that has most of what such files have. */
static const char list[] =
	"# a comment\n"
	"\n"
	"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 a2V5\n"
	"git.example.com,10.0.0.1 ssh-rsa b3RoZXI=\n"
	"Git.Example.com ssh-ed25519 a2V5 a comment\r\n"
	"@revoked evil.example.com ssh-ed25519 a2V5\n"
	"[git.example.com]:2222 ssh-ed25519 b3RoZXI=\n"
	"  [git.example.com]:2222\tecdsa-sha2-nistp256 a2V5\n"
	"twice ssh-ed25519 b3RoZXI=\n"
	"twice ssh-ed25519 a2V5\n"
	"short ssh-ed25519\n"
	"*.example.org ssh-ed25519 a2V5";

static void known_hosts(void)
{
	static const struct {
		const char *host;
		int port;
		const char *type, *key;
		enum known_host want;
	} rows[] = {
		{"git.example.com", 22, "ssh-ed25519", "key", KNOWN_HOST_SAME},
		{"GIT.example.com", 22, "ssh-ed25519", "key", KNOWN_HOST_SAME},
		{"10.0.0.1", 22, "ssh-rsa", "other", KNOWN_HOST_SAME},
		{"git.example.com", 22, "ssh-ed25519", "other", KNOWN_HOST_WRONG},
		{"git.example.com", 22, "ssh-rsa", "key", KNOWN_HOST_WRONG},
		{"git.example.com", 22, "ecdsa-sha2-nistp256", "key", KNOWN_HOST_OTHER},
		{"git.example.com", 2222, "ssh-ed25519", "key", KNOWN_HOST_WRONG},
		{"git.example.com", 2222, "ecdsa-sha2-nistp256", "key", KNOWN_HOST_SAME},
		{"git.example.com", 2223, "ssh-ed25519", "key", KNOWN_HOST_NEVER},
		{"it.example.com", 22, "ssh-ed25519", "key", KNOWN_HOST_NEVER},
		{"evil.example.com", 22, "ssh-ed25519", "key", KNOWN_HOST_NEVER},
		{"twice", 22, "ssh-ed25519", "key", KNOWN_HOST_SAME},
		{"short", 22, "ssh-ed25519", "key", KNOWN_HOST_WRONG},
		{"a.example.org", 22, "ssh-ed25519", "key", KNOWN_HOST_NEVER},
		{"#", 22, "a", "key", KNOWN_HOST_NEVER},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int before = check_failures;
		CHECK_INT(known_host(list, rows[i].host, rows[i].port, rows[i].type, rows[i].key, strlen(rows[i].key)), rows[i].want);
		if (check_failures != before)
			fprintf(stderr, "row %zu: %s\n", i, rows[i].host);
	}
	CHECK_INT(known_host("", "a", 22, "b", "c", 1), KNOWN_HOST_NEVER);
	static const char long_key[5000];
	CHECK_INT(known_host(list, "twice", 22, "ssh-ed25519", long_key, sizeof long_key), KNOWN_HOST_NEVER);
}

static void base64(void)
{
	static const struct { const char *in, *out; } rows[] = {
		{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"\xff\xfe\xfd", "//79"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[32];
		base64_bare(rows[i].in, strlen(rows[i].in), out);
		CHECK_STR(out, rows[i].out);
	}
}

/* The heads of real keys; what follows is not looked at. */
static void private_keys(void)
{
#define OPENSSH "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	CHECK(!private_key_flaw(OPENSSH "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\nQyNTUxOQAAACD"));
	CHECK_CONTAINS(private_key_flaw(OPENSSH "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABlwAAAAdzc2gtcn\nNhAAAAAwEAAQ"),
	               "is an RSA key");
	CHECK_CONTAINS(private_key_flaw(OPENSSH "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCbbbbbbb"),
	               "has a passphrase");
	CHECK_CONTAINS(private_key_flaw("-----BEGIN RSA PRIVATE KEY-----\nMII"), "is an RSA key");
	CHECK_CONTAINS(private_key_flaw("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII"), "has a passphrase");
	CHECK(!private_key_flaw("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE"));
	CHECK_STR(private_key_flaw("ssh-ed25519 AAAA me@here"), "is no private key");
	CHECK_STR(private_key_flaw(""), "is no private key");
	CHECK_CONTAINS(private_key_flaw(OPENSSH), "has a passphrase");
}

static void urls_of_ssh(void)
{
	static const struct {
		const char *url, *host;
		int port;
	} rows[] = {
		{"ssh://git@example.com/a", "example.com", 22}, {"ssh://example.com:2222/a", "example.com", 2222},
		{"ssh://git@[::1]:2222/a", "::1", 2222}, {"ssh://git@[::1]/a", "::1", 22},
		{"git@example.com:team/shop.git", "example.com", 22}, {"git@example.com:/srv/shop.git", "example.com", 22},
		{"ssh://git@/a", NULL, 0}, {"ssh://git@example.com:x/a", NULL, 0}, {"ssh://-oProxyCommand=x/a", NULL, 0},
		{"git@-oProxyCommand=x:a", NULL, 0}, {"git@example.com", NULL, 0}, {"ssh://[::1/a", NULL, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct git_settings s = {.url = rows[i].url};
		struct git_names n;
		struct err e = {0};
		CHECK_INT(git_names_of(&s, &n, &e), rows[i].host ? 0 : -1);
		if (rows[i].host) {
			CHECK_STR(n.host, rows[i].host);
			CHECK_INT(n.port, rows[i].port);
			CHECK_STR(n.url, rows[i].url);
			CHECK(n.is_ssh && !n.secret[0]);
		} else {
			CHECK_CONTAINS(e.message, "git: the URL must begin with file://, http://, https:// or ssh://");
		}
	}
}

static const struct test tests[] = {TEST(known_hosts), TEST(base64), TEST(private_keys), TEST(urls_of_ssh)};
TESTS_MAIN(tests)
