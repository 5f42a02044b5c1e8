"""What does a stage's work for an actor, and what it needs: code, environment, weights, another program's files."""

from functools import cache
from pathlib import Path

from understudy.backends.registry import check_files, check_packages, find_backend
from understudy.batch.code import code_digest
from understudy.errors import InputError
from understudy.settings import actor_settings
from understudy.weights.check import vouched_digest
from understudy.weights.manifest import find_weights
from understudy.weights.programs import is_torchscript, read_program


def code_of(script, stage=None):
    """Params function: a digest of the library code that a script reaches, since Snakemake watches the script alone.

    Of a stage with backends, that of the actor's own counts too.
    """

    @cache
    def digest(*modules):
        return code_digest(Path(workflow.basedir, "scripts", script), modules)

    def of_job(wildcards):
        return (
            digest()
            if stage is None
            else digest(f"understudy.{backend_of(stage, wildcards).module}")
        )

    return of_job


def backend_of(stage, wildcards):
    """What does a stage's work for an actor."""
    name = actor_settings(config, stage, wildcards.actor)["backend"]
    return find_backend(stage, name)


def env_of(stage):
    """Conda function: the environment of the backend that does a stage's work."""

    def of_actor(wildcards):
        return f"../envs/{backend_of(stage, wildcards).env or stage}.yaml"

    return of_actor


def weights_file(stage):
    """Input function: the backend's weights, or none where it takes none; what it lacks ends the run in one sentence."""

    def of_actor(wildcards):
        return lookup_backend(stage, wildcards)[0]

    return of_actor


def given_files(stage):
    """Input function: the folder of another program's files that the backend reads, or none where it reads none."""

    def of_actor(wildcards):
        return lookup_backend(stage, wildcards)[1]

    return of_actor


def vouched_weights(stage):
    """Params function: SHA-256 of weights that are a program, for which somebody vouches; None for others."""

    def of_actor(wildcards):
        return lookup_backend(stage, wildcards)[2]

    return of_actor


def lookup_backend(stage, wildcards):
    """The files of weights and of another program that a stage's backend takes, each a path, or an empty list for none;
    and the checksum of weights that are a program.
    """
    options = actor_settings(config, stage, wildcards.actor)
    return found_backend(
        stage, options["backend"], options.get("weights"), options["files"]
    )


@cache
def found_backend(stage, name, weights, files):
    """As ``lookup_backend``; jobs of an environment of their own may have packages that are not here."""
    backend = find_backend(stage, name)
    try:
        if not workflow.deployment_settings.deployment_method:
            check_packages(stage, name)
        if backend.weights is not None:
            weights = find_weights(
                MANIFEST,
                f"{stage}.backend {name!r}",
                backend.weights,
                weights,
                Path(workflow.basedir),
            )
        check_files(stage, name, weights and Path(weights), files and Path(files))
        vouched = vouched_for(Path(weights)) if backend.runs else None
    except InputError as error:
        stop(error)
    return (
        [] if backend.weights is None else str(weights),
        files if backend.reads else [],
        vouched,
    )


def vouched_for(weights):
    """SHA-256 of weights that are a program, for which the manifest or the user vouches; None for others."""
    if not is_torchscript(weights):
        return None
    folders = [Path("models"), Path(workflow.basedir, "models")]
    vouched = vouched_digest(weights, MANIFEST, folders)
    read_program(weights, vouched)
    return vouched
