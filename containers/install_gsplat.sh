#!/bin/sh
# After install.sh, where CUDA's compiler is: gsplat, with its kernels built now and not at the first use.
set -eu

. .venv/bin/activate
pip install --no-cache-dir --no-deps --require-hashes -r locks/gsplat.lock
export TORCH_EXTENSIONS_DIR="$PWD/.extensions" TORCH_CUDA_ARCH_LIST="${TORCH_CUDA_ARCH_LIST:-7.5;8.0;8.6;8.9;9.0;12.0+PTX}"
python -c "from gsplat.cuda._backend import _C; assert _C is not None, 'gsplat built no kernels'"
# what lies there is run: nobody may change it, and gsplat loads what it finds where it cannot write
chmod -R u=rwX,go=rX .venv .extensions
