#!/usr/bin/env bash
# Finds a Chromium or Chrome for the tests that need a browser, and installs Debian's where there is none. Installs nothing when
# one is there. Progress goes to stderr, and stdout is for the shell:
#
#   eval "$(scripts/install-chromium.sh)"
#
# Installing needs root and apt-get; elsewhere install a browser by hand and set CHROMIUM_PATH to it.
set -euo pipefail

find_browser() {
  local name
  [ -n "${CHROMIUM_PATH:-}" ] && [ -x "$CHROMIUM_PATH" ] && { echo "$CHROMIUM_PATH"; return; }
  for name in chromium chromium-browser google-chrome-stable google-chrome; do command -v "$name" && return; done
  return 1
}

# One retry after an update: the machine's package index may be missing, or name a version that is gone.
install_browser() {
  apt-get install -y --no-install-recommends chromium >&2 ||
    { apt-get update >&2 && apt-get install -y --no-install-recommends chromium >&2; }
}

if ! browser=$(find_browser); then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "install-chromium: there is no Chromium, and installing it needs root and apt-get (Debian or Ubuntu)" >&2
    exit 1
  fi
  DEBIAN_FRONTEND=noninteractive install_browser
  browser=$(find_browser) || { echo "install-chromium: the package chromium has no command chromium" >&2; exit 1; }
fi

printf 'export CHROMIUM_PATH=%q\n' "$browser"
