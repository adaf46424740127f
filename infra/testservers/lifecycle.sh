# shellcheck shell=bash source-path=SCRIPTDIR
# What up, down and serve share: where things lie, who is alive, and until when.
#
#   PLACE/kafka/lib-VERSION/                           downloads
#   PLACE/elasticsearch/elasticsearch-VERSION/
#   PLACE/run/env                                      addresses, as shell lines
#   PLACE/run/lock                                     one up or down at a time
#   PLACE/run/{kafka,elasticsearch,strict}/            one server each:
#       lock      held by its serve process for as long as that lives
#       pid       of the server itself
#       address   exists while the server is ready
#       deadline  the second (Unix time) at which serve ends it; 0 means now
#       log       of serve and of the server's start; data/ and more beside it
#
# Every start of a server begins empty: no test meets the topics or indices of an earlier day.

set -euo pipefail
umask 022 # the other user that runs Elasticsearch for root must be able to read what root downloads

say() { printf 'testservers: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# unavailable: this machine cannot run the servers as it is. The Go package turns status 3 into a skipped test.
unavailable() { say "$*"; exit 3; }

# first, since the bash of other systems may be too old for what follows
[ -r /proc/self/cmdline ] || unavailable "needs Linux's /proc. Set WAYBILL_KAFKA_BROKERS and WAYBILL_ELASTICSEARCH_URLS" \
	"to servers of your own."

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
all_servers=(kafka elasticsearch strict)
usual_servers=(kafka elasticsearch)
declare -A variable=([kafka]=WAYBILL_KAFKA_BROKERS [elasticsearch]=WAYBILL_ELASTICSEARCH_URLS
	[strict]=WAYBILL_STRICT_ELASTICSEARCH_URLS)
ttl=${WAYBILL_TESTSERVERS_TTL:-10800}

# Elasticsearch refuses to run as root; root runs it as this user ("nobody").
nobody=()
if [ "$(id -u)" = 0 ]; then
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi

need() {
	local tool missing=()
	for tool in "$@"; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	[ ${#missing[@]} = 0 ] || unavailable "missing: ${missing[*]}. Run infra/testservers/install, or set" \
		"WAYBILL_KAFKA_BROKERS and WAYBILL_ELASTICSEARCH_URLS to servers of your own."
}

# find_place sets place and run.
find_place() {
	need flock setsid setpriv
	[[ $ttl =~ ^[1-9][0-9]*$ ]] || die "WAYBILL_TESTSERVERS_TTL is '$ttl', want a number of seconds"
	place=${WAYBILL_TESTSERVERS_DIR:-$here}
	[[ $place = /* ]] || die "WAYBILL_TESTSERVERS_DIR is '$place', want an absolute path"
	mkdir -p "$place"
	place=$(cd "$place" && pwd -P)
	if ! reachable "$place"; then
		local away
		away=${TMPDIR:-/tmp}/waybill-testservers-$(printf %s "$place" | sha256sum | cut -c1-12)
		say "user 65534, who runs Elasticsearch for root, cannot reach $place: using $away"
		# /tmp is everybody's: a folder that someone else made beforehand is not ours to use
		mkdir "$away" 2>/dev/null || { [ -O "$away" ] && [ -d "$away" ] && [ ! -L "$away" ]; } || die "cannot use $away"
		reachable "$away" || unavailable "user 65534 cannot reach $away either: set WAYBILL_TESTSERVERS_DIR"
		place=$away
	fi
	run=$place/run
	mkdir -p "$run"
	# "go test ./..." stops at a module boundary. Without one it walks the data folders, and fails when a server
	# deletes one of them meanwhile.
	[ -f "$run/go.mod" ] || echo 'module waybill.testservers/run' >"$run/go.mod"
}

reachable() { "${nobody[@]}" test -x "$1"; }

# find_java sets java_home.
find_java() {
	local java settings version
	java=${JAVA_HOME:+$JAVA_HOME/bin/}java
	need "$java"
	settings=$("$java" -XshowSettings:properties -version 2>&1)
	java_home=$(sed -n 's/^ *java\.home = //p' <<<"$settings")
	version=$(sed -n 's/^ *java\.specification\.version = //p' <<<"$settings")
	[[ $version =~ ^(1[7-9]|[2-9][0-9])$ ]] ||
		unavailable "$java is version ${version:-unknown}, the servers need 17 or later: run infra/testservers/install"
}

# maven PROJECT ARG...: Maven with retries. -U because Maven remembers a failed download and would not try again.
maven() {
	local project=$1 try output
	shift
	need mvn
	for try in 1 2 3; do
		output=$(mvn -B -ntp -q -U -f "$project" "$@" 2>&1) && return
		printf '%s\n' "$output" >&2
		say "download failed (try $try of 3)"
		[ "$try" = 3 ] || sleep $((2 * try))
	done
	unavailable "cannot download what $project names: is Maven Central, or a mirror of it, reachable?"
}

# fill TEMPLATE NAME=VALUE...: the template's text with every @NAME@ replaced.
fill() {
	local text pair
	text=$(<"$1")
	for pair in "${@:2}"; do
		text=${text//"@${pair%%=*}@"/"${pair#*=}"}
	done
	printf '%s\n' "$text"
}

# ours SERVER PID: this process is that server. A number alone proves nothing, numbers are used again: the process must
# name our run folder on its command line. (A zombie has no command line, and kill -0 would call it alive.)
ours() { grep -qsazF -e "$run/$1/" "/proc/$2/cmdline"; }

# server_pid SERVER prints the pid of the live server, and fails when there is none.
server_pid() {
	local pid
	pid=$(cat "$run/$1/pid" 2>/dev/null) || return 1
	[[ $pid =~ ^[1-9][0-9]*$ ]] && ours "$1" "$pid" && echo "$pid"
}

# served SERVER: its serve process lives, be the server itself ready or not.
served() { [ -d "$run/$1" ] && ! flock -n -s "$run/$1/lock" true; }

# running SERVER: it is ready, and guarded.
running() { [ -f "$run/$1/address" ] && server_pid "$1" >/dev/null && served "$1"; }

now() { printf '%(%s)T' -1; }

# renew SERVER moves its deadline to a whole TTL from now, never to an earlier time, and not once down wants its end.
renew() {
	local file=$run/$1/deadline old=1 new
	read -r old 2>/dev/null <"$file" || true
	new=$(($(now) + ttl))
	[ "$old" = 0 ] || [ "${old:-1}" -ge "$new" ] || echo "$new" >"$file"
}

# end_server SERVER [PID] stops the server's process, the hard way after 30 s.
end_server() {
	local pid=${2:-} tenths=0
	[ -n "$pid" ] || pid=$(server_pid "$1") || return 0
	while ours "$1" "$pid"; do
		case $tenths in
		0) kill -TERM "$pid" 2>/dev/null || true ;;
		300) say "$1 ignores SIGTERM: SIGKILL"; kill -KILL "$pid" 2>/dev/null || true ;;
		350) die "cannot stop $1, pid $pid" ;;
		esac
		sleep 0.1
		tenths=$((tenths + 1))
	done
}

# publish writes run/env anew from the servers that are running.
publish() {
	(
		flock 7
		{
			printf 'export WAYBILL_TESTSERVERS_RUN=%q\n' "$run"
			for server in "${all_servers[@]}"; do
				! running "$server" || echo "export ${variable[$server]}=$(<"$run/$server/address")"
			done
		} >"$run/env.new"
		mv "$run/env.new" "$run/env"
	) 7>"$run/env.lock"
}

# choose ARG... sets servers to those named, or to the usual ones.
choose() {
	servers=("$@")
	[ $# -gt 0 ] || servers=("${usual_servers[@]}")
	local server
	for server in "${servers[@]}"; do
		[ -n "${variable[$server]:-}" ] || die "no server '$server': say kafka, elasticsearch or strict"
	done
}

# shellcheck source=kafka/kafka.sh
. "$here/kafka/kafka.sh"
# shellcheck source=elasticsearch/elasticsearch.sh
. "$here/elasticsearch/elasticsearch.sh"
