#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Install the Debian packages of the files named (packages.apt) that are missing; without
# root or sudo, say exactly which they are and how to install them.
set -eu

[ $# -gt 0 ] || set -- packages.apt
wanted=$(sed -e "s/#.*//" "$@" | tr "\n" " ")
missing=""
for package in $wanted; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    run=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    run="sudo"
else
    echo "These Debian packages are missing:$missing" >&2
    echo "Install them as root:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends$missing" >&2
    exit 3
fi
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
$run apt-get update -qq
# Word splitting is wanted: one argument per package.
# shellcheck disable=SC2086
$run apt-get install -y -qq --no-install-recommends $missing >/dev/null
