#!/bin/sh
# Installs what the service needs for one interpreter, every file checked against its hash: requirements/install.sh PYTHON
#
# TORCH_INDEX_URL is an index for torch alone, with its CPU build. Without one, torch is taken from the usual index: the
# CPU build where that has it, otherwise the default build. TORCH=cuda: always the default build, which brings CUDA. No
# package is built here: building one would run unchecked code.
set -eu
python=$1
cd "$(dirname "$0")"

install() {
    "$python" -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary=:all: "$@"
}

case ${TORCH:-} in
    "" | cuda) ;;
    *) echo "TORCH=$TORCH must be cuda or empty" >&2; exit 2 ;;
esac
install -r service.txt
if [ "${TORCH:-}" = cuda ]; then
    install -r torch.txt
elif [ -n "${TORCH_INDEX_URL:-}" ]; then
    install --no-deps --index-url "$TORCH_INDEX_URL" -r torch-cpu.txt
else
    install --no-deps -r torch-cpu.txt 2>/dev/null || install -r torch.txt
fi
