# Detectron2 and DensePose are built from source against the torch of this environment; Snakemake runs this once it is made.
set -e
detectron2="git+https://github.com/facebookresearch/detectron2.git@02b5c4e295e990042a714712c21dc79b731e8833"
# newer ones have no pkg_resources, which detectron2 imports
python -m pip install --no-deps --require-hashes -r /dev/stdin << 'END'
setuptools==80.9.0 --hash=sha256:062d34222ad13e0cc312a4c02d73f059e86a4acbfbdea8f8f76b28c99f306922
END
python -m pip install --no-build-isolation "$detectron2"
python -m pip install --no-build-isolation "$detectron2#subdirectory=projects/DensePose"
