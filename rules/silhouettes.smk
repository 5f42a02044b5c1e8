rule silhouettes:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        keypoints="results/{actor}/keypoints.npz",
        weights=weights_file("silhouettes"),
        files=given_files("silhouettes"),
    output:
        alpha=directory("results/{actor}/alpha"),
    log:
        "logs/silhouettes/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/silhouettes.tsv"
    conda:
        env_of("silhouettes")
    threads: 4
    resources:
        gpu=backend_gpus("silhouettes"),
        mem_mb=backend_mem("silhouettes"),
        runtime=backend_time("silhouettes"),
    params:
        settings=settings("silhouettes"),
        vouched=vouched_weights("silhouettes"),
        code=code_of("silhouettes.py", "silhouettes"),
    message:
        "{wildcards.actor}: cutting silhouettes"
    script:
        "../scripts/silhouettes.py"
