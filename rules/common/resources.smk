"""Memory, time and GPUs that jobs ask for."""

from understudy.settings import actor_settings


def scaled_mem(mem_mb):
    """Resource function: memory that grows with each attempt."""

    def of_attempt(wildcards, attempt):
        return mem_mb * attempt

    return of_attempt


def scaled_time(minutes):
    """Resource function: minutes that grow with each attempt."""

    def of_attempt(wildcards, attempt):
        return minutes * attempt

    return of_attempt


def gpus(stage):
    """Resource function: how many GPUs a stage works on; none where its device is the CPU."""

    def of_actor(wildcards):
        options = actor_settings(config, stage, wildcards.actor)
        return 0 if options["device"] == "cpu" else options.get("gpus", 1)

    return of_actor


def backend_gpus(stage):
    """Resource function: the GPU of the backend that does a stage's work, if it uses one."""

    def of_actor(wildcards):
        return int(backend_of(stage, wildcards).uses_gpu)

    return of_actor


def backend_mem(stage):
    """Resource function: memory of the backend that does a stage's work; it grows with each attempt."""

    def of_attempt(wildcards, attempt):
        return backend_of(stage, wildcards).mem_mb * attempt

    return of_attempt


def backend_time(stage):
    """Resource function: minutes of the backend that does a stage's work; they grow with each attempt."""

    def of_attempt(wildcards, attempt):
        return backend_of(stage, wildcards).minutes * attempt

    return of_attempt
