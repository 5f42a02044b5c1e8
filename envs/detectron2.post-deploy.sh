# Detectron2 and DensePose are built from source against the torch of this environment; Snakemake runs this once it is made.
set -e
python -m pip install setuptools wheel
python -m pip install --no-build-isolation "git+https://github.com/facebookresearch/detectron2.git@02b5c4e295e990042a714712c21dc79b731e8833"
python -m pip install --no-build-isolation "git+https://github.com/facebookresearch/detectron2.git@02b5c4e295e990042a714712c21dc79b731e8833#subdirectory=projects/DensePose"
