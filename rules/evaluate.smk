rule evaluate:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        matte="results/{actor}/matte",
        trimap="results/{actor}/trimap",
        parsing="results/{actor}/parsing",
        smpl="results/{actor}/smpl.npz",
        avatar="results/{actor}/avatar.tar",
        body=body_file,
    output:
        metrics=report(
            "results/{actor}/metrics.json",
            caption="../report/metrics.rst",
            category="{actor}",
            labels={"what": "6 metrics"},
        ),
        comparisons=directory("results/{actor}/held_out"),
    log:
        "logs/evaluate/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/evaluate.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 8
    resources:
        gpu=gpus("evaluate"),
        mem_mb=scaled_mem(3000),
        runtime=scaled_time(30),
    params:
        settings=settings("evaluate"),
        code=code_of("evaluate.py"),
    message:
        "{wildcards.actor}: measuring on held-out frames"
    script:
        "../scripts/evaluate.py"


use rule evaluate as evaluate_method with:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        matte="results/{actor}/matte",
        trimap="results/{actor}/trimap",
        parsing="results/{actor}/parsing",
        smpl="results/{actor}/smpl.npz",
        avatar="results/{actor}/methods/{method}/avatar.tar",
        body=body_file,
    output:
        metrics="results/{actor}/methods/{method}/metrics.json",
        comparisons=directory("results/{actor}/methods/{method}/held_out"),
    log:
        "logs/evaluate_method/{actor}/{method}.log",
    benchmark:
        "results/{actor}/benchmarks/evaluate/{method}.tsv"
    message:
        "{wildcards.actor}: measuring {wildcards.method} on held-out frames"
