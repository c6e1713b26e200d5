#!/usr/bin/env bash
# Builds off_above.py into a plugin file.
#
#     ./build.sh [OUT.wasm]     `off-above-python-1.0.0.wasm` here unless told
#
# Needs Python 3.9 or newer with venv and pip, and `kassa` in the PATH or named by KASSA. What it downloads and makes on the way stays in the
# target folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(realpath -m "${1:-off-above-python-1.0.0.wasm}")
work=${CARGO_TARGET_DIR:-$root/target}/examples/pricing-python
mkdir -p "$work"
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

# Its own folder: whatever lies beside the module goes into the component.
rm -rf app && mkdir app
cp "$here/off_above.py" app

# Python asks WASI for files, clocks and sockets, which no pricing plugin is granted: --stub-wasi puts stubs that trap in their place.
# Modules are imported while it is built, so that a call reads no file.
wit=$root/wit
venv/bin/componentize-py --quiet --wit-path "$wit/types/0.1.0" --wit-path "$wit/host/0.1.0" --wit-path "$wit/pricing/0.1.0" \
    --world kassa:pricing/pricing-plugin@0.1.0 componentize off_above --python-path app --stub-wasi --output component.wasm

"${KASSA:-kassa}" --config "$root/examples/limits.toml" plugin pack component.wasm --manifest "$here/manifest.toml" --output "$out"
