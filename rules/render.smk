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
        settings=settings("render", without=["motions"]),
        code=code_of("turntable.py"),
    message:
        "{wildcards.actor}: rendering the turntable"
    script:
        "../scripts/turntable.py"


rule reenactment:
    input:
        avatar="results/{actor}/avatar.tar",
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        body=body_file,
    output:
        video=report(
            "results/{actor}/renders/reenactment.mp4",
            caption="../report/reenactment.rst",
            category="{actor}",
            labels={"what": "4 re-enactment"},
        ),
    log:
        "logs/reenactment/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/reenactment.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(30),
    params:
        settings=settings("render", without=["motions"]),
        code=code_of("reenactment.py"),
    message:
        "{wildcards.actor}: rendering the video and the avatar side by side"
    script:
        "../scripts/reenactment.py"


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
        settings=settings("render", without=["motions"]),
        code=code_of("motion.py"),
    message:
        "{wildcards.actor}: rendering the motion {wildcards.motion}"
    script:
        "../scripts/motion.py"
