rule render:
    input:
        avatar="results/{actor}/avatar.tar",
        body=body_file,
    output:
        turntable="results/{actor}/renders/turntable.mp4",
    log:
        "logs/render/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/render.tsv"
    conda:
        "../envs/render.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=scaled_mem(2000),
        runtime="30m",
    params:
        settings=settings("render"),
    message:
        "{wildcards.actor}: rendering the turntable"
    script:
        "../scripts/render_turntable.py"
