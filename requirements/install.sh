#!/bin/sh
# Installs what the service needs for one interpreter, every file checked against its hash: requirements/install.sh PYTHON
#
# TORCH_INDEX_URL is an index for torch alone, with its CPU build. Without one, torch is taken from the usual index: the
# CPU build where that has it, otherwise the default build. No package is built here: building one would run unchecked code.
set -eu
python=$1
cd "$(dirname "$0")"

install() {
    "$python" -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary=:all: "$@"
}

install -r service.txt
if [ -n "${TORCH_INDEX_URL:-}" ]; then
    install --no-deps --index-url "$TORCH_INDEX_URL" -r torch-cpu.txt
else
    install --no-deps -r torch-cpu.txt 2>/dev/null || install -r torch.txt
fi
