rule silhouettes:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        keypoints="results/{actor}/keypoints.npz",
    output:
        alpha=directory("results/{actor}/alpha"),
    log:
        "logs/silhouettes/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/silhouettes.tsv"
    conda:
        "../envs/silhouettes.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem(2000),
        runtime="30m",
    params:
        settings=settings("silhouettes"),
        code=code_of("cut_silhouettes.py"),
    message:
        "{wildcards.actor}: cutting silhouettes"
    script:
        "../scripts/cut_silhouettes.py"
