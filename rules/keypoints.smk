rule keypoints:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
    output:
        keypoints="results/{actor}/keypoints.npz",
    log:
        "logs/keypoints/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/keypoints.tsv"
    conda:
        "../envs/keypoints.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem(2000),
        runtime="30m",
    params:
        settings=settings("keypoints"),
        code=code_of("detect_keypoints.py"),
    message:
        "{wildcards.actor}: finding 2D keypoints"
    script:
        "../scripts/detect_keypoints.py"
