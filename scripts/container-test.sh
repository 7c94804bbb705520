#!/usr/bin/env bash
# Builds the container image and runs it, one line "ok" or "not ok" a check. Needs root, podman, runc, mmdebstrap and curl,
# and node_modules as "npm ci" leaves it. No image registry is asked: unless node:26-bookworm-slim is there already, a
# stand-in is made from Debian's packages and the pinned Node, and kept for the next time. Exits with 1 if a check failed.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly BASE=docker.io/library/node:26-bookworm-slim
readonly STAND_IN=localhost/fastlancer-test-base:26-bookworm
readonly IMAGE=localhost/fastlancer-test:$$
readonly NAME=fastlancer-test-$$
readonly NODE=$PWD/node_modules/.bin/node
readonly BUILD_TIMEOUT=240 STEP_TIMEOUT=30
# What a container without privileges can be given everywhere.
readonly RUN=(podman --runtime runc run --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --network=host)

WORK=$(mktemp -d)
failed=0
backend_pid=

cleanup () {
  podman rm --force --time 1 "$NAME" >/dev/null 2>&1 || true
  podman rmi --force "$IMAGE" >/dev/null 2>&1 || true
  if [ -n "$backend_pid" ]; then kill "$backend_pid" 2>/dev/null || true; fi
  rm -rf "$WORK"
}
trap cleanup EXIT

# check SENTENCE COMMAND...: runs the command within its time; what it printed is shown if it fails.
check () {
  local sentence=$1
  shift
  if timeout "$STEP_TIMEOUT" "$@" >"$WORK/output" 2>&1; then
    echo "ok - $sentence"
  else
    echo "not ok - $sentence"
    sed 's/^/  # /' "$WORK/output"
    failed=1
  fi
}

# The stand-in: Debian's minimal system, the pinned Node, and this machine's npm.
make_base () {
  local npm
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$WORK/base"
  timeout "$BUILD_TIMEOUT" mmdebstrap --quiet --variant=minbase --include=ca-certificates,libatomic1,libstdc++6 bookworm "$WORK/base/rootfs.tar"
  cp "$(readlink -f "$NODE")" "$WORK/base/node"
  cp -R "$npm" "$WORK/base/npm"
  cat >"$WORK/base/Dockerfile" <<'DOCKERFILE'
FROM scratch
ADD rootfs.tar /
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
DOCKERFILE
  timeout "$BUILD_TIMEOUT" podman --runtime runc build --isolation=chroot --pull=never --network=host --tag "$STAND_IN" "$WORK/base"
}

# What this machine needs to reach the npm registry: its certificates, and where its npm looks.
host_mounts () {
  local bundle
  for bundle in "$(npm config get cafile)" "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
    if [ -f "$bundle" ]; then
      echo "cafile=/etc/ssl/certs/ca-certificates.crt" >>"$WORK/npmrc"
      echo "--volume=$bundle:/etc/ssl/certs/ca-certificates.crt:ro"
      break
    fi
  done
  echo "registry=$(npm config get registry)" >>"$WORK/npmrc"
  echo "--volume=$WORK/npmrc:/usr/local/etc/npmrc:ro"
}

build () {
  local from=() mounts=()
  if ! podman image exists "$BASE"; then
    podman image exists "$STAND_IN" || make_base || return 1
    from=(--from "$STAND_IN")
  fi
  mapfile -t mounts < <(host_mounts)
  timeout "$BUILD_TIMEOUT" podman --runtime runc build --layers=false --format docker --isolation=chroot --pull=never --network=host \
    "${from[@]}" "${mounts[@]}" --tag "$IMAGE" .
}

free_ports () {
  "$NODE" -e '
    const servers = [0, 0].map(() => require("node:net").createServer().listen(0, "127.0.0.1"))
    setImmediate(() => { console.log(servers.map((server) => server.address().port).join(" ")); process.exit() })'
}

# Answers every request on a free port, whose number it writes.
start_backend () {
  "$NODE" -e '
    const server = require("node:http").createServer((request, response) => response.end("from the backend\n"))
    server.listen(0, "127.0.0.1", () => console.log(server.address().port))' >"$WORK/backend-port" &
  backend_pid=$!
  while [ ! -s "$WORK/backend-port" ]; do sleep 0.1; done
}

for tool in podman runc mmdebstrap npm curl; do
  command -v "$tool" >/dev/null || { echo "not ok - $tool is there"; exit 1; }
done

if build >"$WORK/build.log" 2>&1; then
  echo 'ok - the image builds'
else
  echo 'not ok - the image builds'
  tail -n 40 "$WORK/build.log" | sed 's/^/  # /'
  exit 1
fi

start_backend
read -r port admin_port < <(free_ports)
settings=(--env "BACKENDS=http://127.0.0.1:$(cat "$WORK/backend-port")" --env "PORT=$port" --env "ADMIN_PORT=$admin_port")

check 'the image holds what runs and nothing else' \
  "${RUN[@]}" --rm "$IMAGE" sh -c 'ls -A | xargs; test "$(ls -A | xargs)" = "LICENSE node_modules package.json plugins src"'
check 'the image holds no development dependency and no pinned Node' \
  "${RUN[@]}" --rm "$IMAGE" sh -c '! ls node_modules | grep -E "^(typescript|tap|oxlint|node-.*)$"'
check 'the image does not run as root' "${RUN[@]}" --rm "$IMAGE" sh -c 'id; test "$(id -u)" = 1000'
check 'the container starts' "${RUN[@]}" --detach --name "$NAME" "${settings[@]}" "$IMAGE"
check 'it passes requests on' \
  sh -c "curl --silent --show-error --retry 50 --retry-delay 0 --retry-connrefused http://127.0.0.1:$port/ | tee /dev/stderr | grep -qx 'from the backend'"
check 'its health check says healthy' podman --runtime runc healthcheck run "$NAME"
check 'the health check says unhealthy where no gateway runs' \
  sh -c "! ${RUN[*]} --rm --env ADMIN_PORT=1 $IMAGE node src/healthcheck.ts"
check 'SIGTERM ends it' podman --runtime runc stop --time 15 "$NAME"
check 'its exit code is 0 then' sh -c "podman inspect --format '{{.State.ExitCode}}' $NAME | tee /dev/stderr | grep -qx 0"
check 'it had said that it stops, and logs JSON' sh -c "podman logs $NAME | tee /dev/stderr | grep -q '\"clean\":true,\"msg\":\"stopped\"'"

exit "$failed"
