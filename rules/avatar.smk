rule avatar:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        matte="results/{actor}/matte",
        trimap="results/{actor}/trimap",
        smpl="results/{actor}/smpl.npz",
        canonical="results/{actor}/canonical.npz",
        body=body_file,
        poses=refined_avatar,
    output:
        avatar="results/{actor}/avatar.tar",
        curves="results/{actor}/training.json",
    log:
        "logs/avatar/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/avatar.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 8
    resources:
        gpu=gpus("avatar"),
        mem_mb=scaled_mem(4000),
        runtime=scaled_time(120),
    params:
        settings=training_options,
        options=method_options,
        checkpoint="results/{actor}/.avatar.checkpoint",  # no output: it must outlive a killed job
        code=code_of("avatar.py"),
    message:
        "{wildcards.actor}: training the avatar"
    script:
        "../scripts/avatar.py"


use rule avatar as avatar_of_method with:
    output:
        avatar="results/{actor}/methods/{method}/avatar.tar",
        curves="results/{actor}/methods/{method}/training.json",
    log:
        "logs/avatar_of_method/{actor}/{method}.log",
    benchmark:
        "results/{actor}/benchmarks/avatar/{method}.tsv"
    params:
        checkpoint="results/{actor}/methods/{method}/.avatar.checkpoint",
    message:
        "{wildcards.actor}: training the avatar by {wildcards.method}"
