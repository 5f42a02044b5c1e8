rule baking:
    input:
        avatar="results/{actor}/avatar.tar",
        body=body_file,
    output:
        baked="results/{actor}/baked.tar",
    log:
        "logs/baking/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/baking.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 8
    resources:
        gpu=gpus("baking"),
        mem_mb=scaled_mem(4000),
        runtime=scaled_time(60),
    params:
        settings=settings("baking"),
        code=code_of("baking.py"),
    message:
        "{wildcards.actor}: making Gaussians that look like the avatar"
    script:
        "../scripts/baking.py"
