#!/usr/bin/env bash
# Builds off-above.js into a plugin file.
#
#     ./build.sh [OUT.wasm]     `off-above-javascript-1.0.0.wasm` here unless told
#
# Needs node 20 or newer with npm, and `kassa` in the PATH or named by KASSA. What it downloads and makes on the way stays in the target folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(realpath -m "${1:-off-above-javascript-1.0.0.wasm}")
work=${CARGO_TARGET_DIR:-$root/target}/examples/pricing-javascript
mkdir -p "$work"
cd "$work"

# The exact versions of package-lock.json, and nothing else.
cp "$here/package.json" "$here/package-lock.json" .
npm ci --no-audit --no-fund

# One folder for the tool: the package of the world, and below `deps` those that it uses.
rm -rf wit && mkdir -p wit/deps
cp "$root"/wit/pricing/0.1.0/*.wit wit
cp -r "$root/wit/types/0.1.0" wit/deps/types
cp -r "$root/wit/host/0.1.0" wit/deps/host

# Without clocks, random numbers, HTTP and the streams: then it imports nothing of WASI. jco wants absolute paths.
node_modules/.bin/jco componentize "$here/off-above.js" --wit "$work/wit" --world-name pricing-plugin --disable all --out "$work/component.wasm"

"${KASSA:-kassa}" --config "$root/examples/limits.toml" plugin pack component.wasm --manifest "$here/manifest.toml" --output "$out"
