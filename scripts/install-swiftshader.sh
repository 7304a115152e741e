#!/usr/bin/env bash
# Gets SwiftShader, a Vulkan driver that runs on the CPU, out of Debian's packages, so that the WebGPU engine can be tested
# without a GPU. Downloads nothing when it is already there. Progress goes to stderr, and stdout is for the shell:
#
#   eval "$(scripts/install-swiftshader.sh)"
#
# Options: the folder to unpack into, node_modules/.cache/swiftshader by default. Needs apt-get; root only for its index.
set -euo pipefail

folder=${1:-$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache/swiftshader}
files=(libvk_swiftshader.so vk_swiftshader_icd.json libvulkan.so.1)

complete() {
  local file
  for file in "${files[@]}"; do [ -s "$folder/$file" ] || return 1; done
}

# One retry after an update: the machine's package index may be missing, or name a version that is gone.
download() {
  apt-get download "$@" >&2 || { apt-get update >&2 && apt-get download "$@" >&2; }
}

if ! complete; then
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    echo "install-swiftshader: needs apt-get and dpkg-deb (Debian or Ubuntu); elsewhere install a Vulkan software driver" \
      "(SwiftShader or Mesa's lavapipe) and set VK_ICD_FILENAMES to its json" >&2
    exit 1
  }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work" # apt downloads as the user _apt
  cd "$work"
  download chromium-common libvulkan1
  for package in *.deb; do dpkg-deb -x "$package" unpacked; done

  mkdir -p "$folder"
  for file in "${files[@]}"; do
    # Debian's own loader comes before the one that is bundled with the browser.
    found=$(find unpacked/usr/lib/*-linux-gnu unpacked/usr/lib/chromium -name "$file" 2>/dev/null | head -n 1)
    [ -n "$found" ] || { echo "install-swiftshader: $file is in neither chromium-common nor libvulkan1" >&2; exit 1; }
    # -L: the loader is a link to its versioned name. Renamed into place, so that a broken run leaves no half file.
    cp -L "$found" "$folder/.$file" && mv "$folder/.$file" "$folder/$file"
  done
fi

printf 'export VK_ICD_FILENAMES=%q\n' "$folder/vk_swiftshader_icd.json"
# Where the system has no Vulkan loader, the one in the folder is found through the library path.
if ! { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep -q 'libvulkan\.so\.1'; then
  printf 'export LD_LIBRARY_PATH=%q\n' "$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
