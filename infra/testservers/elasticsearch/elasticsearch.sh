# shellcheck shell=bash disable=SC2154,SC2034 # names of lifecycle.sh and serve
# How to get and start Elasticsearch. Part of lifecycle.sh.

elasticsearch_version=8.19.21

install_elasticsearch() {
	local home=$place/elasticsearch/elasticsearch-$elasticsearch_version
	if [ ! -d "$home" ]; then
		say "downloading Elasticsearch $elasticsearch_version (107 MB)"
		# Maven skips an archive whose marker an earlier, perhaps interrupted unpacking left: always a new folder
		rm -rf "$home.new"
		maven "$here/elasticsearch/pom.xml" -Delasticsearch.version=$elasticsearch_version -Dunpack.to="$home.new" \
			dependency:unpack
		mv "$home.new/elasticsearch-$elasticsearch_version" "$home"
		rm -rf "$home.new"
	fi
	install_shim "$home"
}

# install_shim HOME builds the plugin unless the one there was built from the same source.
install_shim() {
	local home=$1 source=$here/elasticsearch/shim/waybill/testservers/ShimPlugin.java plugin=$1/plugins/waybill-shim sum
	sum=$(sha256sum <"$source" | cut -c1-16)
	! grep -qs "$sum" "$plugin/plugin-descriptor.properties" || return 0
	need "$java_home/bin/javac" "$java_home/bin/jar"
	# built outside of plugins/, in which the server would refuse a half-made one
	rm -rf "$home/shim.new"
	mkdir -p "$home/shim.new"
	"$java_home/bin/javac" --release 17 -Xlint:-options -cp "$home/lib/*" -d "$home/shim.new/classes" "$source"
	"$java_home/bin/jar" --create --file "$home/shim.new/shim.jar" -C "$home/shim.new/classes" .
	rm -r "$home/shim.new/classes"
	cat >"$home/shim.new/plugin-descriptor.properties" <<-END
		name=waybill-shim
		description=GET / and CJK analysis, from source $sum
		version=1
		elasticsearch.version=$elasticsearch_version
		java.version=17
		classname=waybill.testservers.ShimPlugin
	END
	rm -rf "$plugin"
	mv "$home/shim.new" "$plugin"
}

# start_elasticsearch returns when the node is ready, and sets address.
start_elasticsearch() {
	prepare_node elasticsearch
	launch_node elasticsearch
	address=http://$(grep -m1 '^127' "$run/elasticsearch/logs/http.ports")
}

# A second node that asks who one is, encrypts, and takes little at once. Its address has the password and, as ca=, the
# file of its certificate.
install_strict() { install_elasticsearch; }

start_strict() {
	local dir=$run/strict password=waybill-strict
	need openssl
	prepare_node strict
	sed -i '/^xpack.security.enabled/d' "$dir/conf/elasticsearch.yml"
	cat "$here/elasticsearch/strict.yml" >>"$dir/conf/elasticsearch.yml"
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=waybill-strict -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$dir/conf/http.key" -out "$dir/conf/http.crt" 2>/dev/null
	cp "$dir/conf/http.crt" "$dir/ca.pem"
	own_node strict
	keystore strict create
	printf %s "$password" | keystore strict add -x -f bootstrap.password
	launch_node strict
	address="https://elastic:$password@$(grep -m1 '^127' "$dir/logs/http.ports")/?ca=$dir/ca.pem"
}

keystore() {
	local dir=$run/$1
	env -u JAVA_HOME HOME="$dir" ES_JAVA_HOME="$java_home" ES_PATH_CONF="$dir/conf" CLI_JAVA_OPTS=-Djava.io.tmpdir="../../run/$1/tmp" \
		"${nobody[@]}" "$place/elasticsearch/elasticsearch-$elasticsearch_version/bin/elasticsearch-keystore" "${@:2}" >/dev/null
}

# prepare_node NAME makes its folders and settings.
prepare_node() {
	local dir=$run/$1 home=$place/elasticsearch/elasticsearch-$elasticsearch_version
	reachable "$java_home/bin/java" || die "user 65534, who runs Elasticsearch for root, cannot reach $java_home"
	rm -rf "$dir"/{conf,data,logs,tmp}
	mkdir -p "$dir"/{conf,data,logs,tmp}
	fill "$here/elasticsearch/elasticsearch.yml.in" DIR="$dir" >"$dir/conf/elasticsearch.yml"
	cp "$home/config/log4j2.properties" "$dir/conf/"
	# the shipped options less the garbage collector's log, which may grow to 2 GiB
	sed -e '/^-Xlog:gc/d' -e "s|^-XX:ErrorFile=.*|-XX:ErrorFile=$dir/logs/hs_err_pid%p.log|" \
		"$home/config/jvm.options" >"$dir/conf/jvm.options"
	own_node "$1"
}

own_node() {
	local dir=$run/$1
	if [ ${#nobody[@]} -gt 0 ]; then
		chown -R 65534:65534 "$dir"/{conf,data,logs,tmp} # not $dir: there root writes, where nobody may plant links
	fi
}

# launch_node NAME returns when the node is up.
launch_node() {
	local dir=$run/$1 home=$place/elasticsearch/elasticsearch-$elasticsearch_version
	# -d: the launcher returns when the node is up, and the server goes on by itself. The launcher too leaves files in its
	# temporary folder; its options may hold no spaces, so the path is relative to $home, where it runs.
	env -u JAVA_HOME HOME="$dir" ES_JAVA_HOME="$java_home" ES_PATH_CONF="$dir/conf" ES_TMPDIR="$dir/tmp" \
		CLI_JAVA_OPTS=-Djava.io.tmpdir="../../run/$1/tmp" ES_JAVA_OPTS="${ES_JAVA_OPTS:--Xms512m -Xmx512m -XX:TieredStopAtLevel=1}" \
		"${nobody[@]}" "$home/bin/elasticsearch" -d -p "$dir/tmp/pid" </dev/null 8>&-
	cat "$dir/tmp/pid" >"$dir/pid"
}
