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
        settings=settings("turntable"),
        video=video_name,
        distorted=lens_distorts,
        code=code_of("reenactment.py"),
    message:
        "{wildcards.actor}: rendering the video and the avatar side by side"
    script:
        "../scripts/reenactment.py"
