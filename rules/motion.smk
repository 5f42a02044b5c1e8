rule motion:
    input:
        avatar="results/{actor}/avatar.tar",
        motion=motion_file,
        body=body_file,
    output:
        video=report(
            "results/{actor}/renders/{motion}.mp4",
            caption="../report/motion.rst",
            category="{actor}",
            labels={"what": "5 motion {motion}"},
        ),
    log:
        "logs/motion/{actor}/{motion}.log",
    benchmark:
        "results/{actor}/benchmarks/motion/{motion}.tsv"
    wildcard_constraints:
        motion=r"(?!(?:turntable|reenactment)\.mp4)[^/]+",
    conda:
        "../envs/rendering.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(60),
    params:
        settings=settings("turntable"),
        code=code_of("motion.py"),
    message:
        "{wildcards.actor}: rendering the motion {wildcards.motion}"
    script:
        "../scripts/motion.py"
