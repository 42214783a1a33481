# A Docker engine of one's own for a test: in a network namespace of its own, with everything it writes in one folder.
#
#   . tests/lib/dockerd.sh
#   dockerd_start DIR     starts it and waits until it answers; sets DOCKER_HOST and DOCKERD_NETNS
#   in_netns CMD...       runs CMD in the network of the last engine started
#   dockerd_restart DIR   SIGTERM, then a new one on the same data
#   dockerd_stop DIR      ends it and takes away processes, mounts, namespace, cgroups and DIR
#
# DIR must be short: it holds unix sockets (107 characters at most). Never `ip netns exec`: it hides /sys/fs/cgroup.

# An engine in a test lives for minutes and on what it is given: less of the processor goes to its garbage.
export GOGC=off GOMEMLIMIT=200MiB

in_netns() { nsenter --net="/run/netns/$DOCKERD_NETNS" "$@"; }

dockerd_launch_() {
  local dir=$1 i
  DOCKERD_NETNS=$(cat "$dir/netns")
  export DOCKERD_NETNS DOCKER_HOST="unix://$dir/docker.sock"
  # After a kill the old containerd's pid file would hold the next start up for 30 s.
  rm -f "$dir/exec/containerd/containerd.pid" "$dir/pid"
  setsid nsenter --net="/run/netns/$DOCKERD_NETNS" dockerd --data-root "$dir/data" --exec-root "$dir/exec" \
    -H "$DOCKER_HOST" --pidfile "$dir/pid" --cgroup-parent "/$DOCKERD_NETNS" ${DOCKERD_FLAGS-} >>"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/launched"
  for i in $(seq 150); do
    docker version >/dev/null 2>&1 && return 0
    kill -0 "$(cat "$dir/launched")" 2>/dev/null || break
    sleep 0.2
  done
  echo "dockerd did not start:" >&2
  tail -n 20 "$dir/log" >&2
  return 1
}

dockerd_start() {
  local dir=$1
  mkdir -p "$dir"
  echo "rec$$x$RANDOM" >"$dir/netns"
  ip netns add "$(cat "$dir/netns")" || return 1
  nsenter --net="/run/netns/$(cat "$dir/netns")" ip link set lo up
  dockerd_launch_ "$dir" || return 1
  # At each end of a container dockerd reads the whole table of connections, and a client that asks a thousand times a
  # second leaves thousands upon thousands in it that have ended.
  in_netns sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_time_wait=1
}

dockerd_end_() { # DIR: the daemon, and containerd if it outlived it
  local dir=$1 pid i file
  for file in "$dir/pid" "$dir/launched" "$dir/exec/containerd/containerd.pid"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    kill -TERM "$pid" 2>/dev/null
    for i in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      [ "$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)" = Z ] && break
      [ "$i" = 90 ] && kill -KILL "$pid" 2>/dev/null
      sleep 0.1
    done
  done
  wait "$(cat "$dir/launched" 2>/dev/null)" 2>/dev/null
  return 0
}

dockerd_restart() { dockerd_end_ "$1"; dockerd_launch_ "$1"; }

dockerd_stop() {
  local dir=$1 name mount folder ids
  [ -f "$dir/netns" ] || return 0
  name=$(cat "$dir/netns")
  ids=$(timeout 10 docker -H "unix://$dir/docker.sock" ps -q 2>/dev/null)
  # shellcheck disable=SC2086
  [ -n "$ids" ] && timeout 30 docker -H "unix://$dir/docker.sock" kill $ids >/dev/null 2>&1
  dockerd_end_ "$dir"
  awk -v d="$dir/" 'index($5, d) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r mount; do
    umount -l "$mount"
  done
  ip netns del "$name"
  for folder in $(find /sys/fs/cgroup -depth -type d -path "*/$name" 2>/dev/null); do
    find "$folder" -depth -type d -exec rmdir {} \; 2>/dev/null
  done
  rm -rf "$dir"
}
