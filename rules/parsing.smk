rule parsing:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        matte="results/{actor}/matte",
        smpl="results/{actor}/smpl.npz",
        body=body_file,
    output:
        parsing=directory("results/{actor}/parsing"),
    log:
        "logs/parsing/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/parsing.tsv"
    conda:
        "../envs/parsing.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem(2000),
        runtime="30m",
    params:
        settings=settings("parsing"),
        code=code_of("label_parts.py"),
    message:
        "{wildcards.actor}: labelling parts and clothes"
    script:
        "../scripts/label_parts.py"
