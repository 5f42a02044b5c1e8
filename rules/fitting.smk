rule fitting:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        keypoints="results/{actor}/keypoints.npz",
        alpha="results/{actor}/alpha",
        body=body_file,
        regressor=regressor_file,
        files=given_files("fitting"),
    output:
        smpl="results/{actor}/smpl.npz",
    log:
        "logs/fitting/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/fitting.tsv"
    conda:
        env_of("fitting")
    threads: 1  # its matrices are small and many: more threads only wait for each other
    resources:
        mem_mb=backend_mem("fitting"),
        runtime=backend_time("fitting"),
    params:
        settings=settings("fitting"),
        body=settings("body"),
        code=code_of("fitting.py", "fitting"),
    message:
        "{wildcards.actor}: fitting the body"
    script:
        "../scripts/fitting.py"
