rule comparison:
    input:
        avatars=compared("avatar.tar"),
        metrics=compared("metrics.json"),
        pictures=compared("held_out"),
        body=body_file,
        motions=motion_inputs("comparison"),
    output:
        page=report(
            "results/{actor}/comparison.html",
            caption="../report/comparison.rst",
            category="{actor}",
            labels={"what": "7 methods compared"},
        ),
        figures="results/{actor}/comparison.json",
        table="results/{actor}/comparison.tsv",
    log:
        "logs/comparison/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/comparison.tsv"
    conda:
        "../envs/comparison.yaml"
    threads: 8
    resources:
        gpu=gpus("comparison"),
        mem_mb=scaled_mem(4000),
        runtime=scaled_time(60),
    params:
        settings=settings("comparison", without=["motions"]),
        code=code_of("comparison.py"),
    message:
        "{wildcards.actor}: comparing methods"
    script:
        "../scripts/comparison.py"
