#!/usr/bin/env bash
# Brings up a building and its office in a temporary folder, drives the pages in Chromium (drive.mjs,
# then two_people.mjs, states.mjs, money.mjs and cards.mjs; ONLY=NAME: that one alone), takes everything down.
#   tests/browser/run.sh [PROGRAM]     PROGRAM: build/prewatt; SHOTS=folder keeps a picture of each page
# Exit 77: skipped, and says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${1:-$root/build/prewatt}
skip() { echo "browser: skipped, $1"; exit 77; }
[[ -x $program ]] || skip "$program is not built"
[[ -f $root/web/dist/index.html ]] || skip "the pages are not built (web/build.sh)"
[[ -d $root/web/node_modules/playwright-core && -d $root/web/node_modules/axe-core ]] || skip "web/node_modules is missing (web/build.sh)"
export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
[[ -n $CHROMIUM ]] || skip "chromium is not installed"
node=$(command -v node || true)
for fetched in "$root"/web/node-runtime/*/node_modules/node-linux-*/bin/node; do [[ -x $fetched ]] && node=$fetched; done
[[ -n $node ]] || skip "node is not installed"

folder=$(mktemp -d)
pids=()
building=
agent=
reader=
finish() {
  local code=$?
  touch "$folder/stop"
  kill "$(cat "$folder/office.pid" 2>/dev/null)" 2>/dev/null || true
  kill "$building" 2>/dev/null || true
  kill "$agent" 2>/dev/null || true
  kill "$reader" 2>/dev/null || true
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [[ $code -ne 0 ]]; then
    for name in building reader office agent; do
      echo "-- last words of the $name"; tail -15 "$folder/$name.log" 2>/dev/null || true
    done
  fi
  rm -rf "$folder"
  exit "$code"
}
trap finish EXIT
# Two ports that nobody listens on at this moment.
read -r line_port hall_port web_port < <(python3 - <<'PY'
import socket
free = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in free))
PY
)
export OFFICE_USER=owner OFFICE_PASSWORD
OFFICE_PASSWORD=$(head -c 9 /dev/urandom | base64 | tr '+/' '-_')
(umask 077; echo "$OFFICE_PASSWORD" >"$folder/owner-password")
export BASE_URL=http://127.0.0.1:$web_port

"$program" sim --boxes 2 --listen "127.0.0.1:$line_port" --store "$folder/building" --key "$folder/prewatt.key" >"$folder/building.log" 2>&1 &
building=$!
pids+=("$building")
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$line_port") 2>/dev/null && break; sleep 0.1; done
# The reader in the hall: between the office and the boxes, and a card lies on it while there is a file.
export HALL_FILE=$folder/hall.m1
"$program" reader --make-keys "$folder/prewatt.key" --key-file "$folder/reader.key" >/dev/null
"$program" reader --number 1 --line "tcp://127.0.0.1:$line_port" --tcp "127.0.0.1:$hall_port" --card "$HALL_FILE" --key-file "$folder/reader.key" >"$folder/reader.log" 2>&1 &
reader=$!
pids+=("$reader")
# The office is started again when it ends, twice at most: the driver kills it once, to see what the pages do.
export OFFICE_PID_FILE=$folder/office.pid
office() {
  for _ in 1 2 3; do
    [[ -e $folder/stop ]] && return
    "$program" serve --data "$folder" --listen "127.0.0.1:$web_port" --ui-dir "$root/web/dist" --demo 2 --demo-line "tcp://127.0.0.1:$hall_port?readers=1" \
      --owner-password-file "$folder/owner-password" >>"$folder/office.log" 2>&1 &
    echo $! >"$OFFICE_PID_FILE"
    wait $! || true
    sleep 2
  done
}
# The shell would report the kill that was meant.
office 2>/dev/null &
pids+=($!)
up=
for _ in $(seq 300); do
  for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || { echo "browser: the building or the office ended before it was asked"; exit 1; }; done
  if (exec 3<>"/dev/tcp/127.0.0.1/$web_port") 2>/dev/null; then up=1; break; fi
  sleep 0.1
done
[[ -n $up ]] || { echo "browser: the office did not listen within 30 s"; exit 1; }
wanted() { [[ -z ${ONLY:-} || $ONLY == "$1" ]]; }
for name in drive two_people states money; do
  if wanted "$name"; then "$node" "$root/tests/browser/$name.mjs"; fi
done
wanted cards || exit 0
# The clerk's machine: a desk agent whose card is a file.
export CARD_FILE=$folder/card.m1 AGENT_URL AGENT_CODE
"$program" desk-agent --office "$BASE_URL" --port 0 --pairing-file "$folder/desk.code" --model "$CARD_FILE" --exchange-ms 12 >"$folder/agent.log" 2>&1 &
agent=$!
pids+=("$agent")
for _ in $(seq 100); do grep -q '^pairing code' "$folder/agent.log" && break; sleep 0.1; done
AGENT_URL=$(sed -n 's/^desk agent on \(http[^ ]*\) .*/\1/p' "$folder/agent.log")
AGENT_CODE=$(sed -n 's/^pairing code: //p' "$folder/agent.log")
[[ -n $AGENT_URL ]] || { echo "browser: the desk agent did not start"; exit 1; }
"$node" "$root/tests/browser/cards.mjs"
