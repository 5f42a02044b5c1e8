rule matting:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        alpha="results/{actor}/alpha",
        keypoints="results/{actor}/keypoints.npz",
        smpl="results/{actor}/smpl.npz",
        body=body_file,
    output:
        matte=directory("results/{actor}/matte"),
        trimap=directory("results/{actor}/trimap"),
    log:
        "logs/matting/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/matting.tsv"
    conda:
        "../envs/matting.yaml"
    threads: 4
    resources:
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(60),
    params:
        settings=settings("matting"),
        code=code_of("matting.py"),
    message:
        "{wildcards.actor}: refining silhouettes"
    script:
        "../scripts/matting.py"
