rule canonical:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        matte="results/{actor}/matte",
        parsing="results/{actor}/parsing",
        smpl="results/{actor}/smpl.npz",
        body=body_file,
    output:
        canonical="results/{actor}/canonical.npz",
    log:
        "logs/canonical/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/canonical.tsv"
    conda:
        "../envs/canonical.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem(3000),
        runtime=scaled_time(30),
    params:
        settings=settings("canonical"),
        hold_out=hold_out,
        code=code_of("canonical.py"),
    message:
        "{wildcards.actor}: preparing the canonical body"
    script:
        "../scripts/canonical.py"
