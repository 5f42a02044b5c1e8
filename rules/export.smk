rule export:
    input:
        avatar=gaussians_file,
        body=body_file,
        motions=motion_inputs("export"),
    output:
        glb="results/{actor}/exports/avatar.glb",
        vrm="results/{actor}/exports/avatar.vrm",
        ply="results/{actor}/exports/avatar.ply",
        spz="results/{actor}/exports/avatar.spz",
        splats="results/{actor}/exports/splats.glb",
        mesh="results/{actor}/exports/mesh.obj",
        material="results/{actor}/exports/mesh.mtl",
        texture="results/{actor}/exports/mesh.jpg",
        relief="results/{actor}/exports/mesh_normal.jpg",
        colored="results/{actor}/exports/mesh.ply",
    log:
        "logs/export/{actor}.log",
    benchmark:
        "results/{actor}/benchmarks/export.tsv"
    conda:
        "../envs/export.yaml"
    threads: 4
    resources:
        mem_mb=scaled_mem(3000),
        runtime=scaled_time(30),
    params:
        settings=settings("export", without=["motions"]),
        code=code_of("export.py"),
    message:
        "{wildcards.actor}: writing the avatar for other programs"
    script:
        "../scripts/export.py"
