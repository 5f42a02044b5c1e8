"""One ordinary video of a person in, an animatable avatar out.

snakemake --cores 8 results/actor/avatar.tar     one avatar, from data/videos/actor.*
snakemake --cores 8                              all videos in data/videos and of the configuration
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: os.path.join(workflow.basedir, "config.yaml")


report: "report/workflow.rst"


include: "rules/common/actors.smk"
include: "rules/common/backends.smk"
include: "rules/common/options.smk"
include: "rules/common/resources.smk"
include: "rules/common/targets.smk"
include: "rules/common/kept.smk"
include: "rules/frames.smk"
include: "rules/keypoints.smk"
include: "rules/silhouettes.smk"
include: "rules/fitting.smk"
include: "rules/matting.smk"
include: "rules/parsing.smk"
include: "rules/canonical.smk"
include: "rules/avatar.smk"
include: "rules/baking.smk"
include: "rules/evaluate.smk"
include: "rules/turntable.smk"
include: "rules/reenactment.smk"
include: "rules/motion.smk"
include: "rules/viewer.smk"
include: "rules/export.smk"
include: "rules/dataset.smk"
include: "rules/report.smk"
include: "rules/comparison.smk"


rule all:
    default_target: True
    input:
        everything,


onstart:
    keep_what_others_made()
    summarize(at_work=True)


onsuccess:
    summarize()


onerror:
    summarize(failed=True)
