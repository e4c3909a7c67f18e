#!/bin/sh
# Install what the browser test needs beside the project's own environment: Chromium, Label Studio and Playwright.
# Runs again in no time: each part is skipped while its stamp says that it is there.
set -eu

LABEL_STUDIO="label-studio==1.23.2"
BROWSER_TEST="playwright==1.65.2 pytest==9.2.0 requests==2.34.2 numpy==2.4.6 pillow==13.0.0"
PYTHON="${PYTHON:-python3}"

cd "$(dirname "$0")/../.."
mkdir -p .e2e

if ! command -v chromium >/dev/null || ! fc-list 2>/dev/null | grep -q DejaVu; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core fontconfig
fi

# install_venv NAME REQUIREMENT...: a virtual environment .e2e/NAME that holds exactly this; made anew when the list changes.
install_venv() {
    name="$1"
    shift
    stamp=".e2e/$name/installed"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$*" ]; then
        return
    fi
    "$PYTHON" -m venv --clear ".e2e/$name"
    ".e2e/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$stamp"
}

install_venv label-studio "$LABEL_STUDIO"
# shellcheck disable=SC2086 # one word per requirement
install_venv browser $BROWSER_TEST
