rule parsing:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        alpha="results/{actor}/alpha",
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
    message:
        "{wildcards.actor}: labelling body parts"
    script:
        "../scripts/label_parts.py"
