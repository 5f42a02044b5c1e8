rule smpl:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        keypoints="results/{actor}/keypoints.npz",
        alpha="results/{actor}/alpha",
        body=body_file,
    output:
        smpl="results/{actor}/smpl.npz",
    log:
        "logs/smpl/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/smpl.tsv"
    conda:
        "../envs/smpl.yaml"
    threads: 4
    resources:
        mem_mb=scaled_mem(3000),
        runtime="60m",
    params:
        settings=settings("smpl"),
    message:
        "{wildcards.actor}: fitting the body"
    script:
        "../scripts/fit_smpl.py"
