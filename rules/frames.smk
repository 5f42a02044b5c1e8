rule frames:
    input:
        video=video_of,
    output:
        frames=directory("results/{actor}/frames"),
        index="results/{actor}/frames.json",
    log:
        "logs/frames/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/frames.tsv"
    conda:
        "../envs/frames.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(30),
    params:
        settings=settings("frames"),
        video=video_name,
        code=code_of("frames.py"),
    message:
        "{wildcards.actor}: choosing frames of {params.video}"
    script:
        "../scripts/frames.py"
