#!/bin/sh
# Starts the server where it does not run, and complains where it is not well: for cron, on machines without systemd.
#
#   @reboot    /opt/sumu-dav/config/keep-running.sh
#   * * * * *  /opt/sumu-dav/config/keep-running.sh
#
# in the crontab of the user that the server is to run as (crontab -e). Quiet while all is well; cron mails the rest.
# Set by the environment, or here: where the program, the configuration, photos, state and log are, and the URL to ask.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
: "${SUMU_DAV:=$here/.venv/bin/sumu-dav}"
: "${SUMU_CONFIG:=$here/wsgidav.yaml}"
: "${SUMU_PLEX:=$here/data/plex}"
: "${SUMU_STATE:=$here/data/state}"
: "${SUMU_LOG:=$SUMU_STATE/server.log}"
: "${SUMU_URL:=http://127.0.0.1:8080/}"
: "${SUMU_START_SECONDS:=45}"

umask 022
mkdir -p "$SUMU_STATE"
chmod 700 "$SUMU_STATE"

# The server inherits the lock on descriptor 9 and holds it for as long as it lives, however it comes to die.
exec 9>"$SUMU_STATE/keep-running.lock"
if flock --nonblock 9; then
    setsid "$SUMU_DAV" serve --config "$SUMU_CONFIG" --plex "$SUMU_PLEX" --state "$SUMU_STATE" \
        >>"$SUMU_LOG" 2>&1 </dev/null &
    server=$!
    patience=$(($(date +%s) + SUMU_START_SECONDS))
    # 2 is no answer; 1 is one that tells what is wrong, and waiting mends none of that.
    until "$SUMU_DAV" health --url "$SUMU_URL" --config "$SUMU_CONFIG" >/dev/null 2>&1 9>&-; [ $? -ne 2 ]; do
        if ! kill -0 "$server" 2>/dev/null; then
            echo "sumu-dav did not start; the end of $SUMU_LOG:"
            tail -n 20 "$SUMU_LOG"
            exit 1
        fi
        [ "$(date +%s)" -lt "$patience" ] || break
        sleep 1
    done
fi
exec 9>&-

# Its words go to cron's mail: a disk that is nearly full is no reason for a restart, and no reason to be silent.
"$SUMU_DAV" health --url "$SUMU_URL" --config "$SUMU_CONFIG" >"$SUMU_STATE/health.txt" 2>&1 || {
    code=$?
    cat "$SUMU_STATE/health.txt"
    exit "$code"
}
