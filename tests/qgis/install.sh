#!/bin/sh
# Install what the tests of the QGIS plugin need beside the project's own environment: QGIS, pytest in QGIS's Python,
# and what plugins.qgis.org checks uploads with. Runs again in no time: what is there is left alone.
set -eu

QGIS_TEST="pytest==9.2.0 pytest-qgis==5.0.2"
UPLOAD_CHECK="bandit==1.9.4 detect-secrets==1.5.0 flake8==7.5.0 flake8-qgis==2.1.0"

cd "$(dirname "$0")/../.."
mkdir -p .qgis

if ! command -v qgis_process.bin >/dev/null || ! command -v xvfb-run >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=900 install -y -qq --no-install-recommends \
        qgis python3-qgis qgis-providers python3-venv xvfb xauth openbox
fi

# install_venv NAME OPTION REQUIREMENT...: an environment .qgis/NAME of Debian's Python that holds exactly this.
install_venv() {
    name="$1"
    option="$2"
    shift 2
    stamp=".qgis/$name/installed"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$*" ]; then
        return
    fi
    # shellcheck disable=SC2086 # no option is no word
    /usr/bin/python3 -m venv --clear $option ".qgis/$name"
    ".qgis/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$stamp"
}

# shellcheck disable=SC2086 # one word per requirement
install_venv env --system-site-packages $QGIS_TEST
# shellcheck disable=SC2086
install_venv tools "" $UPLOAD_CHECK
