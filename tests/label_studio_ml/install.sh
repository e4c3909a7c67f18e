#!/bin/sh
# Install label-studio-ml, and what the backend needs beside it, in an environment of their own: .mlhost.
# Runs again in no time: it is skipped while its stamp says that all is there.
set -eu

TEST="pytest==9.2.0"
PYTHON="${PYTHON:-python3}"

cd "$(dirname "$0")/../.."
requirements=docker/requirements-label-studio-ml.txt
stamp=.mlhost/installed
wanted="$(cat "$requirements") $TEST"
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit
fi
"$PYTHON" -m venv --clear .mlhost
# shellcheck disable=SC2086 # one word per argument
.mlhost/bin/pip install --quiet --disable-pip-version-check ${PIP_ARGS:-} -r "$requirements" "$TEST"
.mlhost/bin/pip check
echo "$wanted" >"$stamp"
