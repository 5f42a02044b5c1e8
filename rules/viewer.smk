rule viewer:
    input:
        avatar=gaussians_file,
        body=body_file,
        motions=motion_inputs("viewer"),
    output:
        page=report(
            "results/{actor}/viewer/index.html",
            caption="../report/viewer.rst",
            category="{actor}",
            labels={"what": "2 viewer"},
        ),
    log:
        "logs/viewer/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/viewer.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(30),
    params:
        settings=settings("viewer", without=["motions"]),
        code=code_of("viewer.py"),
    message:
        "{wildcards.actor}: writing the page that plays the avatar"
    script:
        "../scripts/viewer.py"
