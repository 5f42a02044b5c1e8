rule keypoints:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        weights=weights_file("keypoints"),
        files=given_files("keypoints"),
    output:
        keypoints="results/{actor}/keypoints.npz",
    log:
        "logs/keypoints/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/keypoints.tsv"
    conda:
        env_of("keypoints")
    threads: 4
    resources:
        gpu=backend_gpus("keypoints"),
        mem_mb=backend_mem("keypoints"),
        runtime=backend_time("keypoints"),
    params:
        settings=settings("keypoints"),
        vouched=vouched_weights("keypoints"),
        code=code_of("keypoints.py", "keypoints"),
    message:
        "{wildcards.actor}: finding 2D keypoints"
    script:
        "../scripts/keypoints.py"
