#!/usr/bin/env bash
# Serves the tree that a side-by-side benchmark made: PORT, ROOT, STATE, BENCH_USER and BENCH_PASSWORD are in the environment.
set -euo pipefail
python=${PYTHON:-"$(dirname "$0")/../.venv/bin/python"}
printf '%s\n' "$BENCH_PASSWORD" |
  "$python" -m sumu_dav user add "$BENCH_USER" --password-stdin --plex "$ROOT" --state "$STATE" >/dev/null
exec "$python" -m sumu_dav serve --port "$PORT" --plex "$ROOT" --state "$STATE"
