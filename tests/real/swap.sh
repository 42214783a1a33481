#!/usr/bin/env bash
# The host's swap on real swap files: made, grown, shrunk, mended, refused, taken away, and the tool killed after every
# act of it. In a mount namespace with an /etc of its own, so that the machine's fstab and sysctl.d are never touched; the
# kernel's list of swap and vm.swappiness are the machine's, and are put back.
set -u
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/host.sh"

DIR=$(mktemp -d /tmp/rec-swap-XXXXXX) && chmod 755 "$DIR"
DISK=$DIR/ext4
FILE=$DISK/swap
SWAPPINESS=$(cat /proc/sys/vm/swappiness)
holder=
clean_up() {
	local name disk
	docker rm -f swapped >/dev/null 2>&1
	while read -r name _; do
		case $name in "$DIR"/*) swapoff "$name" ;; esac
	done </proc/swaps
	[ -z "$holder" ] || kill "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	host_stop
	for disk in "$DIR"/ext4 "$DIR"/ext2 "$DIR"/tmpfs; do mountpoint -q "$disk" && umount "$disk"; done
	echo "$SWAPPINESS" >/proc/sys/vm/swappiness
	rm -rf "$DIR"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# ---- the private host ----

disk_start() { # NAME MIB TYPE
	mkdir -p "$DIR/$1"
	truncate -s "$2M" "$DIR/$1.img" && "mkfs.$3" -q "$DIR/$1.img" && mount -o loop "$DIR/$1.img" "$DIR/$1"
}
etc_start() {
	cp -a /etc "$DIR/etc"
	# Odd, and not ours: a blank line, a comment that names our file, CRLF, no newline at the end.
	printf '# /etc/fstab\n\n/dev/vda1 / ext4 errors=remount-ro 0 1\r\n#%s none swap sw 0 0\nproc /proc proc defaults 0 0' \
		"$FILE" >"$DIR/etc/fstab"
	cp "$DIR/etc/fstab" "$DIR/fstab.before"
	mkdir -p "$DIR/etc/sysctl.d"
	unshare --mount --propagation private bash -c "mount --bind $DIR/etc /etc && exec sleep infinity" &
	holder=$!
	wait_for 5 test -e "/proc/$holder/root/etc/sysctl.d" && wait_for 5 same_file "/proc/$holder/root/etc/fstab" "$DIR/etc/fstab"
}
same_file() { [ "$1" -ef "$2" ]; }
wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.05; done
}
in_mounts() { nsenter --mount="/proc/$holder/ns/mnt" "$@"; }

# want [KEY=VALUE...]: the manifest, with that swap; without a word none.
want() {
	local IFS=,
	mkdir -p "$DIR/manifest"
	cat >"$DIR/manifest/compose.yaml" <<-END
		name: shop
		services:
		  web: {image: "app:1", restart: unless-stopped}
	END
	[ $# = 0 ] || printf 'x-reconcile: {host: {swap: {%s}}}\n' "${*//=/: }" >>"$DIR/manifest/compose.yaml"
}
run() {
	UNTRACED=${PRELOAD:+a run that is killed}${UNTRACED-} traced in_mounts nsenter --net="/run/netns/$DOCKERD_NETNS" env \
		TMPDIR="$HOST_TMP" ${PRELOAD-} "$BUILD_DIR/reconciler/reconcile" --config "$HOST/reconcile.yaml" --path "$DIR/manifest" "$@" >"$DIR/out" 2>"$DIR/log"
}
# runs CODE WHAT [ARGS...]: one run ends so; else what it said is shown.
runs() {
	local code=0 wanted=$1 what=$2
	shift 2
	run "$@" || code=$?
	is "$what: exit code" "$code" "$wanted"
	[ "$code" = "$wanted" ] || cat "$DIR/out" "$DIR/log" >&2
}
plan() { run --plan; cat "$DIR/out"; }

# ---- what is ----

active() { grep -c "^$1 " <(tr '\t' ' ' </proc/swaps); }
kib() { awk -v f="$1" '$1 == f {print $3}' /proc/swaps; }
used_kib() { awk -v f="$1" '$1 == f {print $4}' /proc/swaps; }
line() { grep -v '^#' "$DIR/etc/fstab" | grep -F "$FILE "; }
kept() { cat "$DIR"/etc/sysctl.d/90-reconcile-*.conf 2>/dev/null | grep -v '^#'; }
names() { (cd "$DISK" && find . -maxdepth 1 -type f | sort | tr '\n' ' '); }
instance() { sed -n "s/.*x-reconcile=\([^ ]*\) .*/\1/p" "$DIR/etc/fstab"; }
# has_swap WHAT MIB: all that a swap file of that size is, and nothing beside it
has_swap() {
	# The kernel leaves out what does not lie on a page's bound, and blocks are smaller than pages here.
	is "$1: in use" "$(active "$FILE") $(($(kib "$FILE") > $2 * 1000 && $(kib "$FILE") < $2 * 1024))" "1 1"
	is "$1: the file" "$(stat -c '%a %s %U' "$FILE")" "600 $(($2 * 1048576)) root"
	is "$1: no holes" "$(($(stat -c %b "$FILE") * 512 >= $2 * 1048576))" 1
	is "$1: nothing beside it" "$(names)$(grep -c "^$DISK" /proc/swaps)" "./swap 1"
	is "$1: its line" "$(line)" "$FILE none swap nofail,x-reconcile=$(instance) 0 0"
	is "$1: other lines" "$(sed '/x-reconcile=/d' "$DIR/etc/fstab" | cmp - "$DIR/fstab.before" && echo same)" same
	is "$1: plan" "$(plan | head -1)" "No changes."
}
has_none() {
	is "$1: nothing in use" "$(grep -c "^$DISK" /proc/swaps)" 0
	is "$1: no file" "$(names)" ""
	ok "$1: fstab as it was" cmp "$DIR/etc/fstab" "$DIR/fstab.before"
	is "$1: plan" "$(plan | head -1)" "No changes."
}
serves() { is "$1: the service runs" "$(docker ps --filter label=io.reconcile.instance --format '{{.Image}} {{.State}}')" "app:1 running"; }

# ---- the tests ----

test_make() {
	say "made"
	want size=16M file="$FILE" swappiness=11
	has "make: the plan" "$(plan)" "  +   swap file $FILE
        size: null -> \"16M\""
	is "make: a plan makes nothing" "$(names)$(cmp "$DIR/etc/fstab" "$DIR/fstab.before")" ""
	runs 0 "make"
	has "make: it says so" "$(cat "$DIR/log")" "make swap file $FILE of 16M"
	has_swap "make" 16
	is "make: swappiness" "$(cat /proc/sys/vm/swappiness) $(kept)" "11 vm.swappiness = 11"
	serves "make"
	has "make: status" "$(run status; cat "$DIR/out")" "swap                           settled"
}

# While $DIR/watching is there: every moment in which none of our swap is in use.
watch_swap() {
	local all
	while [ -e "$DIR/watching" ]; do
		all=$(</proc/swaps)
		[[ $all == *"$DISK/swap"* ]] || echo gap
	done >"$DIR/gaps"
}

test_resize() {
	local watcher size held before=64M
	say "grown and shrunk, with memory swapped out to it"
	want size=$before file="$FILE"
	runs 0 "grow, empty"
	has_swap "grow, empty" 64
	docker run -d --name swapped -m 24m --memory-swap 100m --entrypoint /hold hold:1 40 >/dev/null
	ok "memory is swapped out" wait_for 60 grep -q full <(docker logs -f swapped 2>&1)
	for size in 96M 48M; do
		: >"$DIR/watching"
		watch_swap & watcher=$!
		held=$(used_kib "$FILE")
		say "$held KiB are swapped out"
		want size=$size file="$FILE"
		has "to $size: the plan" "$(plan)" "  ~   swap file $FILE
        size: \"$before\" -> \"$size\""
		has "to $size: the plan" "$(plan)" "Plan: 0 to add, 1 to change, 0 to destroy."
		runs 0 "to $size"
		rm "$DIR/watching"
		wait "$watcher"
		is "to $size: memory was swapped out" "$((held > 4096))" 1
		is "to $size: never without swap" "$(cat "$DIR/gaps")" ""
		has_swap "to $size" ${size%M}
		before=$size
	done
	docker stop swapped >/dev/null
	is "memory came back whole" "$(docker logs swapped | tail -1)" "whole"
	docker rm -f swapped >/dev/null 2>&1
	is "swappiness: as it was when no manifest sets it" "$(cat /proc/sys/vm/swappiness) $(kept)" "$SWAPPINESS "
}

test_drift() {
	say "drift"
	want size=32M file="$FILE" swappiness=11
	runs 0 "before drift"
	swapoff "$FILE"
	has "swapoff by hand: the plan" "$(plan)" "  ~   swap file $FILE  it was not in use"
	runs 0 "swapoff by hand"
	has_swap "swapoff by hand" 32
	chmod 644 "$FILE"
	has "mode: the plan" "$(plan)" "  ~   swap file $FILE  its mode was 0644"
	runs 0 "mode"
	has_swap "mode" 32
	cp "$DIR/fstab.before" "$DIR/etc/fstab"
	has "line removed: the plan" "$(plan)" "its line in /etc/fstab was not there"
	runs 0 "line removed"
	has_swap "line removed" 32
	sed -i "s/nofail,/noauto,/" "$DIR/etc/fstab"
	runs 0 "line changed"
	has_swap "line changed" 32
	swapoff "$FILE" && rm "$FILE"
	runs 0 "file removed"
	has_swap "file removed" 32
	swapoff "$FILE" && fallocate -p -o 8M -l 8M "$FILE"
	runs 0 "holes"
	has_swap "holes" 32
	echo 77 >/proc/sys/vm/swappiness
	runs 0 "swappiness by hand"
	is "swappiness by hand" "$(cat /proc/sys/vm/swappiness)" 11
	rm "$DIR"/etc/sysctl.d/90-reconcile-*.conf
	runs 0 "sysctl.d by hand"
	is "sysctl.d by hand" "$(kept)" "vm.swappiness = 11"
}

test_move() {
	say "another file"
	want size=32M file="$FILE"
	runs 0 "before the move"
	want size=16M file="$DISK/other"
	runs 0 "move"
	is "move" "$(names)$(active "$DISK/other") $(active "$FILE")" "./other 1 0"
	is "move: lines" "$(grep -c x-reconcile "$DIR/etc/fstab") $(grep -c "^$DISK/other none swap nofail," "$DIR/etc/fstab")" "1 1"
	want size=16M file="$FILE"
	runs 0 "move back"
	has_swap "move back" 16
}

test_foreign() {
	local sum
	say "what is not ours"
	want
	runs 0 "no swap"
	has_none "no swap"
	# A file of data, then swap that somebody made: by that name, in use.
	head -c 3000000 /dev/urandom >"$FILE"
	sum=$(sha256sum <"$FILE")
	want size=16M file="$FILE"
	runs 1 "somebody's data"
	has "somebody's data: it says so" "$(cat "$DIR/out")" "swap: blocked: $FILE is there, and is not ours: it is left alone"
	is "somebody's data: untouched" "$(sha256sum <"$FILE")$(names)" "$sum./swap "
	serves "somebody's data"
	rm "$FILE"
	fallocate -l 8M "$FILE" && chmod 600 "$FILE" && mkswap -q "$FILE" && swapon "$FILE"
	sum=$(sha256sum <"$FILE")
	runs 1 "somebody's swap"
	is "somebody's swap: untouched" "$(sha256sum <"$FILE")$(names)$(active "$FILE")" "$sum./swap 1"
	ok "somebody's swap: fstab" cmp "$DIR/etc/fstab" "$DIR/fstab.before"
	want
	runs 0 "somebody's swap, and none wanted"
	is "somebody's swap, and none wanted: untouched" "$(sha256sum <"$FILE")$(names)$(active "$FILE")" "$sum./swap 1"
	want size=16M file="$DISK/ours"
	runs 0 "ours beside somebody's"
	want
	runs 0 "ours goes"
	is "ours goes: somebody's stays" "$(sha256sum <"$FILE")$(names)$(active "$FILE")" "$sum./swap 1"
	swapoff "$FILE" && rm "$FILE"
	# Another installation's is as foreign as any other.
	want size=16M file="$FILE"
	runs 0 "ours"
	runs 1 "another installation" --config <(sed "s/^state_dir:/instance: other\n&/" "$HOST/reconcile.yaml")
	has_swap "another installation" 16
	want
	runs 0 "ours goes again"
	printf '%s none swap sw 0 0\n' "$FILE" | cat - "$DIR/fstab.before" >"$DIR/etc/fstab"
	want size=16M file="$FILE"
	runs 1 "somebody's line"
	has "somebody's line: it says so" "$(cat "$DIR/out")" "a line in /etc/fstab names $FILE, and is not ours"
	cp "$DIR/fstab.before" "$DIR/etc/fstab"
}

test_refuse() {
	say "refused"
	want size=16M file="$DIR/tmpfs/swap"
	runs 1 "tmpfs"
	has "tmpfs: it says so" "$(cat "$DIR/out")" "swap: blocked: $DIR/tmpfs/swap: swap cannot be on tmpfs"
	is "tmpfs: nothing there" "$(ls "$DIR/tmpfs")$(cmp "$DIR/etc/fstab" "$DIR/fstab.before")" ""
	serves "tmpfs"
	want size=1G file="$FILE"
	runs 75 "too large"
	has "too large: it says so" "$(cat "$DIR/out")" "$FILE of 1G: the disk has "
	has_none_but_refused "too large"
	want size=16M file="$DISK/nowhere/swap"
	runs 1 "no folder"
	has "no folder: it says so" "$(cat "$DIR/out")" "$DISK/nowhere: No such file or directory"
	ln -s ext4 "$DIR/link"
	want size=16M file="$DIR/link/swap"
	runs 1 "a link"
	has "a link: it says so" "$(cat "$DIR/out")" "is reached by a symbolic link; write $DISK instead"
	want size=64M file="$FILE"
	runs 0 "before memory limits"
	docker run -d --name swapped -m 24m --memory-swap 100m --entrypoint /hold hold:1 40 >/dev/null
	wait_for 60 grep -q full <(docker logs -f swapped 2>&1)
	# There is memory enough; but swapoff would have the kernel kill what may not have more of it.
	want
	runs 75 "beyond a memory limit"
	has "beyond a memory limit: it says so" "$(cat "$DIR/out")" " of what is swapped out would be more than memory limits have room for, most of it in /sys/fs/cgroup/"
	has "beyond a memory limit: and whose" "$(cat "$DIR/out")" "$(docker inspect -f '{{.Id}}' swapped); raise that limit, or stop what runs there"
	is "beyond a memory limit: it stays, and nobody is killed" "$(active "$FILE")$(names)$(docker inspect -f '{{.State.Status}}' swapped)" "1./swap running"
	want size=8M file="$FILE"
	runs 75 "too small for what is swapped out"
	has "too small for what is swapped out: it says so" "$(cat "$DIR/out")" "would be more than memory limits have room for"
	want size=64M file="$FILE"
	runs 0 "the old size again"
	has_swap "the old size again" 64
	# A machine whose memory is full cannot be had here: what the kernel says of it is.
	sed 's/^MemAvailable:.*/MemAvailable: 1000 kB/' /proc/meminfo >"$DIR/meminfo"
	in_mounts mount --bind "$DIR/meminfo" /proc/meminfo
	want
	runs 75 "memory is full"
	has "memory is full: it says so" "$(cat "$DIR/out")" "swap: blocked: $FILE stays: "
	has "memory is full: with figures" "$(cat "$DIR/out")" " is swapped out to it, and memory and other swap have room for 950K; free some memory"
	is "memory is full: it stays" "$(active "$FILE")$(names)" "1./swap "
	in_mounts umount /proc/meminfo
	docker rm -f swapped >/dev/null 2>&1
	runs 0 "memory is free again"
	has_none "memory is free again"
}
has_none_but_refused() {
	is "$1: nothing made" "$(names)$(grep -c "^$DISK" /proc/swaps)$(cmp "$DIR/etc/fstab" "$DIR/fstab.before")" 0
}

# A disk with room for the new file once the old one is gone, and not for both.
test_tight() {
	say "no room for a bridge"
	want size=200M file="$FILE"
	runs 0 "most of the disk"
	want size=190M file="$FILE"
	has "tight: the plan" "$(plan)" "take swap file away: $FILE (it is made anew, and the disk has no room for two: a moment without swap)"
	runs 0 "tight"
	has_swap "tight" 190
}

test_plain() {
	say "a file system that cannot reserve room"
	want size=16M file="$DIR/ext2/swap"
	runs 0 "ext2"
	is "ext2" "$(active "$DIR/ext2/swap") $(($(kib "$DIR/ext2/swap") > 16000))" "1 1"
	want
	runs 0 "ext2 goes"
	is "ext2 goes" "$(find "$DIR/ext2" -type f)" ""
}

# Two projects on one host; one may be broken, and then nothing of it is known.
test_projects() {
	say "several projects"
	mkdir -p "$DIR/all/one" "$DIR/all/two"
	want size=16M file="$FILE"
	cp "$DIR/manifest/compose.yaml" "$DIR/all/one/"
	sed 's/shop/two/; s/16M/32M/' "$DIR/manifest/compose.yaml" >"$DIR/all/two/compose.yaml"
	runs 65 "they disagree" --path "$DIR/all"
	has "they disagree: both lines" "$(cat "$DIR/log")" "$DIR/all/two/compose.yaml:4:28: x-reconcile.host.swap: differs from what $DIR/all/one/compose.yaml:4:28 says"
	has_none_but_refused "they disagree"
	sed -i 's/32M/16M/' "$DIR/all/two/compose.yaml"
	runs 0 "they agree" --path "$DIR/all"
	is "they agree" "$(active "$FILE")" 1
	# One asks for none any more, the other cannot be read: it may still want it.
	sed -i '/x-reconcile/d' "$DIR/all/one/compose.yaml"
	sed -i 's/image/imgae/' "$DIR/all/two/compose.yaml"
	runs 65 "one is broken" --path "$DIR/all"
	is "one is broken: it stays" "$(active "$FILE")" 1
	runs 65 "a target" --path "$DIR/all" --target one
	is "a target: it stays" "$(active "$FILE")" 1
	echo "services: {}" >"$DIR/all/one/compose.yaml"
	rm -r "$DIR/all/two"
	runs 0 "an empty state" --path "$DIR/all"
	is "an empty state: it stays" "$(active "$FILE")" 1
	docker ps -aq --filter label=com.docker.compose.project=two | xargs -r docker rm -f >/dev/null
	docker network rm two_default >/dev/null 2>&1
}

want_mib() { # MIB, or - for none
	if [ "$1" = - ]; then want; else want size="${1}M" file="$FILE" swappiness=11; fi
}

# From one state on the way to another, killed after one more act each time; then a whole run to a third.
test_points() {
	local n code from to then what point total=0
	say "killed after each act"
	for step in "-:16:16:made" "16:24:24:grown" "24:16:16:shrunk" "16:-:-:taken away" "-:16:-:made, and not wanted any more" \
		"16:24:16:grown, and back" "16:24:-:grown, and not wanted any more" "16:-:16:taken away, and wanted again"; do
		IFS=: read -r from to then what <<<"$step"
		for ((n = 1; n < 60; n++)); do
			want_mib "$from"
			run || { is "$what: the start" "$?" 0; cat "$DIR/log"; }
			want_mib "$to"
			rm -f "$DIR/point"
			PRELOAD="LD_PRELOAD=$BUILD_DIR/tests/real/libkill-at.so KILL_AT=$n KILL_SAY=$DIR/point" run 2>/dev/null
			code=$?
			[ "$code" = 137 ] || break
			point=$(cat "$DIR/point")
			want_mib "$then"
			UNTRACED="a run right after trouble" runs 0 "$what, killed after act $n, $point: the next run"
			if [ "$then" = - ]; then has_none "$what, act $n"; else has_swap "$what, act $n" "$then"; fi
			total=$((total + 1))
		done
		is "$what: the last run is not hit" "$code" 0
		is "$what: it was killed often enough" "$((n > 4))" 1
	done
	say "$total kills"
}

parts=${*:-make resize drift move foreign refuse tight plain projects points}
host_start "$DIR/h" || exit 1
echo "min_free: 4M" >>"$HOST/reconcile.yaml"
cp "$BUILD_DIR/tests/real/hold" "$HOST/app/"
host_image app:1 VERSION=1 || exit 1
tar -C "$HOST/app" -c hold | docker import - hold:1 >/dev/null || exit 1
disk_start ext4 300 ext4 || exit 1
disk_start ext2 64 ext2 || exit 1
mkdir "$DIR/tmpfs" && mount -t tmpfs -o size=64m none "$DIR/tmpfs" || exit 1
rmdir "$DISK/lost+found" "$DIR/ext2/lost+found"
ok "a private /etc" etc_start
for part in $parts; do "test_$part"; done
want
runs 0 "the end"
has_none "the end"
is "the machine's own fstab" "$(grep -c x-reconcile /etc/fstab)" 0
trace_end
check_end
