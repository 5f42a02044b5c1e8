from understudy.layouts.config import LAYOUT_NAMES


rule dataset:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        keypoints="results/{actor}/keypoints.npz",
        matte="results/{actor}/matte",
        smpl="results/{actor}/smpl.npz",
        parsing="results/{actor}/parsing",
        canonical="results/{actor}/canonical.npz",
        body=body_file,
    output:
        dataset=directory("results/{actor}/datasets/{layout}"),
    log:
        "logs/dataset/{actor}_{layout}.log",
    benchmark:
        "results/{actor}/benchmarks/dataset_{layout}.tsv"
    wildcard_constraints:
        layout="|".join(LAYOUT_NAMES),
    conda:
        "../envs/export.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(60),
    params:
        hold_out=hold_out,
        code=code_of("dataset.py"),
    message:
        "{wildcards.actor}: writing the data set for {wildcards.layout}"
    script:
        "../scripts/dataset.py"
