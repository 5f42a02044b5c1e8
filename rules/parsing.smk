rule parsing:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        matte="results/{actor}/matte",
        smpl="results/{actor}/smpl.npz",
        body=body_file,
        weights=weights_file("parsing"),
        files=given_files("parsing"),
    output:
        parsing=directory("results/{actor}/parsing"),
    log:
        "logs/parsing/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/parsing.tsv"
    conda:
        env_of("parsing")
    threads: 2
    resources:
        gpu=backend_gpus("parsing"),
        mem_mb=backend_mem("parsing"),
        runtime=backend_time("parsing"),
    params:
        settings=settings("parsing"),
        code=code_of("parsing.py", "parsing"),
    message:
        "{wildcards.actor}: labelling parts and clothes"
    script:
        "../scripts/parsing.py"
