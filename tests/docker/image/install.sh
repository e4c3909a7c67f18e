#!/bin/sh
# What builds an image without a Docker engine: buildah, and debootstrap for a base that no registry has to give.
set -eu
if ! command -v buildah >/dev/null || ! command -v debootstrap >/dev/null; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends buildah debootstrap
fi
