# shellcheck shell=bash disable=SC2154,SC2034 # names of lifecycle.sh and serve
# How to get and start Kafka. Part of lifecycle.sh.

kafka_version=4.3.1

install_kafka() {
	local lib=$place/kafka/lib-$kafka_version
	[ ! -d "$lib" ] || return 0
	say "downloading Kafka $kafka_version (43 MB)"
	rm -rf "$lib.new"
	maven "$here/kafka/pom.xml" -Dkafka.version=$kafka_version \
		dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$lib.new"
	mv "$lib.new" "$lib"
}

# start_kafka returns when the broker is ready. Kafka must be told its ports, so two that are free a moment before are
# tried, and others if somebody was faster.
start_kafka() {
	local dir=$run/kafka try
	for try in 1 2 3 4 5; do
		: >"$dir/kafka.log"
		launch_kafka "$(free_port 20000)" "$(free_port 26000)"
		if kafka_ready; then
			return
		fi
		grep -q 'Address already in use' "$dir/kafka.log" || break
		echo "port taken, try $try of 5"
	done
	tail -n 40 "$dir/kafka.log"
	die "kafka did not start"
}

# launch_kafka PORT CONTROLLER_PORT starts a broker without data, and sets child and address.
launch_kafka() {
	local dir=$run/kafka port=$1 id classpath="$place/kafka/lib-$kafka_version/*"
	local log=-Dlog4j2.configurationFile=$here/kafka/log4j2.properties
	rm -rf "$dir/data"
	fill "$here/kafka/server.properties.in" PORT="$port" CONTROLLER_PORT="$2" DATA="$dir/data" >"$dir/server.properties"
	# 16 random bytes in base64url, as Kafka's own random-uuid; the K because a leading - would be read as an option
	id=K$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)
	"$java_home/bin/java" -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$log" -Dkafka.log.level=WARN \
		-cp "$classpath" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" 8>&-
	"$java_home/bin/java" -Xms256m -Xmx256m -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:+ExplicitGCInvokesConcurrent \
		-XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true "$log" \
		-cp "$classpath" kafka.Kafka "$dir/server.properties" </dev/null >>"$dir/kafka.log" 2>&1 8>&- &
	child=$!
	echo $child >"$dir/pid"
	address=127.0.0.1:$port
}

# kafka_ready waits for the broker. It asks kill -0, not server_pid: a child that has not become java yet would look dead.
# A dead one is no zombie here, since bash collects its own children.
kafka_ready() {
	until grep -q 'Kafka Server started' "$run/kafka/kafka.log"; do
		kill -0 "$child" 2>/dev/null || return 1
		sleep 0.1
	done
}

# free_port FROM prints one of the 6000 ports from there on to which nobody listens. All of Kafka's are below the range
# from which the kernel takes ports for outgoing connections.
free_port() {
	local port
	while port=$(($1 + RANDOM % 6000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo "$port"
}
