rule smpl:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        keypoints="results/{actor}/keypoints.npz",
        alpha="results/{actor}/alpha",
        body=body_file,
        regressor=regressor_file,
        files=given_files("smpl"),
    output:
        smpl="results/{actor}/smpl.npz",
    log:
        "logs/smpl/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/smpl.tsv"
    conda:
        env_of("smpl")
    threads: 1  # its matrices are small and many: more threads only wait for each other
    resources:
        mem_mb=backend_mem("smpl"),
        runtime=backend_time("smpl"),
    params:
        settings=settings("smpl"),
        body=settings("body"),
        code=code_of("smpl.py", "smpl"),
    message:
        "{wildcards.actor}: fitting the body"
    script:
        "../scripts/smpl.py"
