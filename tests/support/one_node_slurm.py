"""A SLURM of one node on this machine, on loopback, without systemd, cgroups or accounting, for tests."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PACKAGES = {"slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "munged": "munge"}
"""Programs, and the Debian packages that hold them."""
ETC = Path("/etc/slurm")
"""Where every program of SLURM looks; the executor plugin clears SLURM_CONF, which could name another place, from its jobs."""
FILES = ("slurm.conf", "gres.conf")

DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
"""Files that stand for GPUs: one without a file drains the node."""

CONFIG = """
ClusterName=onenode
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
SwitchType=switch/none
MinJobAge=600
KillWait=1
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""
"""Memory is watched every second, and a step that has more than it asked for is killed."""


def why_not() -> str | None:
    """Why no SLURM can be started here, or None."""
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    lacking = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if lacking:
        return f"packages are missing: {' '.join(lacking)}"
    for name in FILES:
        if (ETC / name).is_symlink() or (ETC / name).exists():
            return f"{ETC / name} is there: this machine has a SLURM of its own, or a test was killed and left it"
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "requirements-slurm.txt is not installed"
    return None


@contextmanager
def one_node(folder: Path, cpus: int, memory_mb: int, gpus: int = len(DEVICES)) -> Iterator[None]:
    """A cluster with so many pretended cores and GPUs, while the context lasts."""
    folder.chmod(0o755)  # munged wants nobody else to be able to write there
    host = socket.gethostname().split(".")[0]
    ports = _free_ports(2)
    (folder / "slurm.conf").write_text(
        CONFIG.format(host=host, ports=ports, folder=folder, cpus=cpus, memory_mb=memory_mb, gpus=gpus)
    )
    (folder / "gres.conf").write_text("".join(f"NodeName={host} Name=gpu File={file}\n" for file in DEVICES[:gpus]))
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    had_folder = ETC.exists()
    ETC.mkdir(exist_ok=True)
    links = [ETC / name for name in FILES]
    links[0].symlink_to(folder / links[0].name)  # fails where another cluster is at work
    try:
        links[1].symlink_to(folder / links[1].name)
        munge = {name: folder / f"munge.{name}" for name in ("socket", "log", "seed")}
        _start("munged", "--force", f"--socket={munge['socket']}", f"--pid-file={folder}/munged.pid",
               f"--key-file={folder}/munge.key", f"--log-file={munge['log']}", f"--seed-file={munge['seed']}")  # fmt: skip
        _start("slurmctld")
        _start("slurmd")
        _wait_for_idle()
        yield
    finally:
        subprocess.run(["scancel", "--user=root"], capture_output=True)
        _stop(folder)
        for link in links:
            link.unlink(missing_ok=True)
        if not had_folder:
            ETC.rmdir()


def _start(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"


def _wait_for_idle(seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = subprocess.run(["sinfo", "-h", "-p", "main", "-o", "%t"], capture_output=True, text=True).stdout.strip()
        if state == "idle":
            return
        time.sleep(0.2)
    raise AssertionError(f"the node is not idle but {state!r}")


def _stop(folder: Path) -> None:
    """End our own daemons, by the numbers that they wrote down."""
    pids = [
        int(file.read_text()) for name in ("slurmd", "slurmctld", "munged") if (file := folder / f"{name}.pid").exists()
    ]
    for pid in pids:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 10.0
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < end:
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with_ports = [socket.socket() for _ in range(count)]
    for one in with_ports:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in with_ports]
    for one in with_ports:
        one.close()
    return ports
