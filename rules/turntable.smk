rule turntable:
    input:
        avatar="results/{actor}/avatar.tar",
        body=body_file,
    output:
        turntable=report(
            "results/{actor}/renders/turntable.mp4",
            caption="../report/turntable.rst",
            category="{actor}",
            labels={"what": "3 turntable"},
        ),
    log:
        "logs/turntable/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/turntable.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 4
    resources:
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(30),
    params:
        settings=settings("turntable"),
        code=code_of("turntable.py"),
    message:
        "{wildcards.actor}: rendering the turntable"
    script:
        "../scripts/turntable.py"
