#!/bin/sh
# A browser for the console's tests and pictures: the one that is there, else Debian's chromium.
# Where neither can be had, the tests that need one are skipped and say so.
for name in "${MILEPOST_BROWSER:-}" chromium chromium-browser google-chrome google-chrome-stable; do
  if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
say() {
  echo "No browser: the console's browser tests are skipped. Install chromium and a font with" \
    "Chinese characters (Debian: apt-get install chromium fonts-noto-cjk), or name one in" \
    "MILEPOST_BROWSER."
  exit 0
}
command -v apt-get >/dev/null 2>&1 || say
if [ "$(id -u)" = 0 ]; then as=""; elif sudo -n true 2>/dev/null; then as="sudo -n"; else say; fi
echo "Installing chromium for the console's tests"
log=$(mktemp)
{ $as apt-get update -q && DEBIAN_FRONTEND=noninteractive $as apt-get install -q -y \
  --no-install-recommends chromium fonts-noto-cjk; } >"$log" 2>&1 || { tail -3 "$log"; say; }
rm -f "$log"
