rule report:
    input:
        frames="results/{actor}/frames",
        index="results/{actor}/frames.json",
        keypoints="results/{actor}/keypoints.npz",
        matte="results/{actor}/matte",
        smpl="results/{actor}/smpl.npz",
        parsing="results/{actor}/parsing",
        canonical="results/{actor}/canonical.npz",
        body=body_file,
        avatar="results/{actor}/avatar.tar",
        curves="results/{actor}/training.json",
        metrics="results/{actor}/metrics.json",
        comparisons="results/{actor}/held_out",
        turntable="results/{actor}/renders/turntable.mp4",
        reenactment="results/{actor}/renders/reenactment.mp4",
        motions=motion_videos,
        viewer="results/{actor}/viewer/index.html",
        baked=baked_files,
        exports=rules.export.output,
    output:
        report=report(
            "results/{actor}/report.html",
            caption="../report/page.rst",
            category="{actor}",
            labels={"what": "1 report"},
        ),
    log:
        "logs/report/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/report.tsv"
    conda:
        "../envs/report.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem(2000),
        runtime=scaled_time(30),
    params:
        height_given=height_given,
        code=code_of("report.py"),
    message:
        "{wildcards.actor}: writing the report"
    script:
        "../scripts/report.py"
