#!/usr/bin/env bash
# Builds the pages into web/dist. Prints only what went wrong.
#   web/build.sh            npm ci when the lock file has changed; then the pages, when a source has changed
#   web/build.sh --check    the same, then the types, the unit tests and the sizes
# Needs npm. Where the machine's Node is older than 20.19 (Debian 12 has 18), the Node named in web/node-runtime is fetched into web/.
set -euo pipefail
cd "$(dirname "$0")"
check=
case ${1:-} in
  "") ;;
  --check) check=1 ;;
  *) echo "web/build.sh: '$1' is not an option; there is --check" >&2; exit 2 ;;
esac
log=$(mktemp); trap 'rm -f "$log"' EXIT
run() {  # words for what failed, then the command
  local what=$1; shift
  "$@" >"$log" 2>&1 || { tail -40 "$log" >&2; echo "prewatt: $what" >&2; exit 1; }
}
new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}
command -v npm >/dev/null || { echo "prewatt: npm is missing; tools/install-packages build installs it" >&2; exit 1; }
export npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false

# One builder at a time: two of them would tear down each other's packages.
exec 9>.build.lock
flock 9

if ! new_enough "$(command -v node || echo false)"; then
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) echo "prewatt: the pages need Node 20.19 or newer; none is known for $(uname -m)" >&2; exit 1 ;;
  esac
  runtime=node-runtime/$arch
  node=$runtime/node_modules/node-linux-$arch/bin/node
  new_enough "$node" || run "Node for the pages could not be fetched" npm ci --prefix "$runtime" --ignore-scripts --no-progress
  new_enough "$node" || { echo "prewatt: the fetched Node does not run on this machine; the pages were not built" >&2; exit 1; }
  PATH=$PWD/$(dirname "$node"):$PATH
fi

locked=$(sha256sum package-lock.json | cut -d' ' -f1)
if [[ $(cat node_modules/.locked 2>/dev/null) != "$locked" ]]; then
  run "the packages of the pages could not be fetched (npm ci)" npm ci --ignore-scripts --no-progress
  echo "$locked" >node_modules/.locked
fi

sources=$(cat package-lock.json package.json vite.config.ts tsconfig.json index.html $(find src -type f | LC_ALL=C sort) | sha256sum | cut -d' ' -f1)
if [[ ! -f dist/index.html || $(cat dist/.built-from 2>/dev/null) != "$sources" ]]; then
  run "vite could not build the pages; web/dist is not what the sources say" node node_modules/vite/bin/vite.js build --logLevel warn
  # The office sends these to every browser that takes them.
  find dist -type f \( -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.txt' \) -exec gzip -9 -n -k {} +
  echo "$sources" >dist/.built-from
fi
[[ -z $check ]] && exit 0
run "the types of the pages are wrong" node node_modules/vue-tsc/bin/vue-tsc.js --noEmit
run "a unit test of the pages failed" node node_modules/vitest/vitest.mjs run
run "the pages are too heavy" node sizes.mjs
