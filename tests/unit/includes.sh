#!/usr/bin/env bash
# The house as its sources include it: who may know whom, and which library lives where.
#
#   includes.sh ROOT       checks the rooms below ROOT; one line for each breach, and 1 when there is any
#   includes.sh --self     proves on trees of its own that each rule can fail
#
# CC is the compiler that must take each header alone (cc).
set -uo pipefail

max_lines=600

# Rules about one #include line. A room's row: what it may include. The file's room is its folder; files of no room
# (main.c, cycle.c, observe.c) may include every room.
breaches='
BEGIN {
	third = " net model base "
	may["base"] = " base "; may["model"] = " model base "; may["net"] = " net model base "
	may["decide"] = " decide model base "
	n = split("desired docker nginx host report", rooms, " ")
	for (i = 1; i <= n; i++) may[rooms[i]] = " " rooms[i] third
	pure = " stddef.h stdint.h stdbool.h string.h stdlib.h inttypes.h stdarg.h math.h "
}
function breach(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
FNR == 1 {
	file = substr(FILENAME, length(root) + 2)
	room = index(file, "/") ? substr(file, 1, index(file, "/") - 1) : ""
	if (room != "" && !(room in may)) breach("the room \"" room "\" is not in the plan of the house")
}
/^[ \t]*#[ \t]*include/ {
	line = $0
	sub(/^[ \t]*#[ \t]*include(_next)?[ \t]*/, "", line)
	if (line ~ /^"/) {
		split(line, part, "\""); name = part[2]
		if (room == "" && name ~ /^[a-z_]+\.h$/) next
		if (name !~ /^[a-z]+\/[a-z0-9_]+\.h$/) { breach("include \"" name "\" is not \"room/noun.h\""); next }
		to = substr(name, 1, index(name, "/") - 1)
		if (!(to in may)) breach("include \"" name "\": no such room")
		else if (room != "" && index(may[room], " " to " ") == 0) breach(room "/ must not include " to "/ (" name ")")
	} else if (line ~ /^</) {
		name = substr(line, 2, index(line, ">") - 2)
		lib = ""
		if (name ~ /^curl\//) lib = "curl"
		if (name ~ /^git2(\.h|\/)/) lib = "git2"
		if (name ~ /^yaml\.h/) lib = "yaml"
		if (name ~ /^(cjson\/)?cJSON/) lib = "cjson"
		if (lib != "" && file ~ /\.h$/) breach("a header must not include <" name ">")
		if (lib == "curl" && room != "net") breach("only net/ may include <" name ">")
		if (lib == "git2" && file !~ /^desired\/git(_[a-z]+)?\.c$/) breach("only desired/git*.c may include <" name ">")
		if (lib == "yaml" && file != "desired/yaml.c") breach("only desired/yaml.c may include <" name ">")
		if (lib == "cjson" && index(" base model net decide ", " " room " ")) breach(room "/ must not include <" name ">")
		if (room == "decide" && index(pure, " " name " ") == 0) breach("decide/ is pure: it must not include <" name ">")
	} else {
		breach("an include that is no plain file name: " line)
	}
}
END { exit bad }'

check() { # ROOT
	local root=${1%/} bad=0 files header lines file said
	files=$(find "$root" -name '*.[ch]' | sort)
	if [ -z "$files" ]; then
		echo "$root: no sources"
		return 1
	fi
	# shellcheck disable=SC2086 -- our names have no spaces
	awk -v root="$root" "$breaches" $files || bad=1
	for file in $files; do
		lines=$(wc -l <"$file")
		if [ "$lines" -gt "$max_lines" ] && [ "${file%.c}" != "$file" ]; then
			echo "$file: $lines lines; more than $max_lines: what second thing has it become?"
			bad=1
		fi
	done
	for header in $(find "$root" -name '*.h' | sort); do
		if ! said=$(${CC:-cc} -std=gnu17 -D_GNU_SOURCE -Wall -Werror -I"$root" -fsyntax-only -x c - \
			<<<"#include \"$header\"" 2>&1); then
			echo "$header: does not compile alone"
			echo "$said"
			bad=1
		fi
	done
	return $bad
}

# FILE CONTENT WANTED: a small sound house with one file in it that breaks one rule.
failed=0
breaks() {
	local said
	rm -rf "$house"
	mkdir -p "$house"/{base,model,net,decide,desired,docker,nginx,host,report}
	for room in base model net decide desired docker nginx host report; do
		printf '#include <stddef.h>\nsize_t %s_thing(void);\n' $room >"$house/$room/thing.h"
	done
	printf '#include "docker/thing.h"\n#include "nginx/thing.h"\n#include <stdio.h>\n' >"$house/cycle.c"
	printf '#include "decide/thing.h"\n#include "model/thing.h"\n#include "base/thing.h"\n' >"$house/decide/thing.c"
	printf '#include <cjson/cJSON.h>\n#include "net/thing.h"\n' >"$house/host/thing.c"
	printf '#include <curl/curl.h>\n' >"$house/net/thing.c"
	printf '#include <git2.h>\n#include "desired/thing.h"\n' >"$house/desired/git.c"
	printf '#include <yaml.h>\n' >"$house/desired/yaml.c"
	[ -z "$1" ] || printf "$2" >"$house/$1"
	said=$(check "$house")
	local code=$?
	if [ -z "$3" ] && [ $code = 0 ] && [ -z "$said" ]; then return; fi
	if [ -n "$3" ] && [ $code = 1 ] && [[ $said == *"$3"* ]]; then return; fi
	printf 'FAILED: %s with "%s"\n  says   "%s" (%d)\n  wanted "%s"\n' "$1" "$2" "$said" $code "$3"
	failed=$((failed + 1))
}

self() {
	house=$(mktemp -d)/house
	trap 'rm -rf "${house%/house}"' EXIT
	breaks "" "" ""
	breaks base/x.c '#include "model/thing.h"\n' 'base/x.c:1: base/ must not include model/ (model/thing.h)'
	breaks model/x.c '\n  #  include "net/thing.h"\n' 'model/x.c:2: model/ must not include net/'
	breaks net/x.c '#include "docker/thing.h"\n' 'net/ must not include docker/'
	breaks decide/x.c '#include "net/thing.h"\n' 'decide/ must not include net/'
	breaks decide/x.c '#include <time.h>\n' 'decide/ is pure: it must not include <time.h>'
	breaks decide/x.h '#include <stdio.h>\n' 'decide/ is pure: it must not include <stdio.h>'
	for room in desired docker nginx host report; do
		other=docker
		[ $room = docker ] && other=nginx
		breaks $room/x.c "#include \"$other/thing.h\"\n" "$room/ must not include $other/"
		breaks $room/x.c '#include "decide/thing.h"\n' "$room/ must not include decide/"
		breaks $room/x.c '#include <curl/curl.h>\n' 'only net/ may include <curl/curl.h>'
		breaks $room/x.c '#include <git2.h>\n' 'only desired/git*.c may include <git2.h>'
		breaks $room/x.c '#include <git2/remote.h>\n' 'only desired/git*.c may include <git2/remote.h>'
		breaks $room/x.c '#include <yaml.h>\n' 'only desired/yaml.c may include <yaml.h>'
	done
	breaks desired/gitx.c '#include <git2.h>\n' 'only desired/git*.c may include <git2.h>'
	breaks desired/git_more.c '#include <git2.h>\n' ''
	breaks main.c '#include <git2.h>\n' 'only desired/git*.c may include <git2.h>'
	breaks net/x.h '#include <curl/curl.h>\n' 'a header must not include <curl/curl.h>'
	breaks host/x.h '#include <cjson/cJSON.h>\n' 'a header must not include <cjson/cJSON.h>'
	breaks model/x.c '#include <cjson/cJSON.h>\n' 'model/ must not include <cjson/cJSON.h>'
	breaks host/x.c '#include "../docker/thing.h"\n' 'include "../docker/thing.h" is not "room/noun.h"'
	breaks host/x.c '#include "thing.h"\n' 'include "thing.h" is not "room/noun.h"'
	breaks host/x.c '#include THING\n' 'an include that is no plain file name: THING'
	breaks host/x.c '#include "cellar/x.h"\n' 'no such room'
	breaks host/x.h 'size_t f(void);\n' 'host/x.h: does not compile alone'
	breaks host/x.c "$(printf '\\n%.0s' $(seq 601))" 'host/x.c: 601 lines; more than 600'
	breaks host/x.c "$(printf '\\n%.0s' $(seq 600))" ''
	house=$house/none
	mkdir -p "$house"
	check "$house" >"$house/said" && { echo "FAILED: an empty house is no pass"; failed=$((failed + 1)); }
	house=${house%/none}
	[ $failed = 0 ] && echo "each rule can fail"
}

case ${1:-} in
--self) self ;;
"") echo "usage: includes.sh ROOT|--self" >&2; exit 64 ;;
*) check "$1" ;;
esac
