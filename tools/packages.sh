# The Debian packages that Campanile needs: sourced by ./run and ./test, never run by itself.

# To build and run.
build_packages="g++ cmake ninja-build ccache mold git pkg-config python3 nodejs npm
  libboost1.81-dev libboost-json1.81-dev libssl-dev librocksdb-dev libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev
  libabsl-dev libre2-dev libxxhash-dev libzstd-dev zlib1g-dev libsimdjson-dev libroaring-dev libhowardhinnant-date-dev
  prometheus-cpp-dev"

# To test, on top of those.
test_packages="libgtest-dev libgmock-dev librapidcheck-dev curl procps openssl
  mosquitto mosquitto-clients python3-paho-mqtt python3-venv influxdb-client chromium"
