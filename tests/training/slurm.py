"""A real SLURM on this machine: a controller and two nodes of eight empty files as GPUs, all in one folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import MARK

from .running import ROOT

COMMANDS = ("slurmctld", "slurmd", "munged", "sbatch", "scontrol", "scancel", "srun")
# Times that are minutes by default are seconds here. A job is warned before its limit, and ended two minutes after it only.
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
SlurmdParameters=config_overrides
SlurmdTimeout=20
KillWait=60
OverTimeLimit=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=64 RealMemory=2000 Gres=gpu:8
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=64 RealMemory=2000 Gres=gpu:8
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Why there can be no SLURM here; None if there can."""
    lacking = [command for command in COMMANDS if shutil.which(command) is None]
    if lacking:
        return f"{', '.join(lacking)} not found: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "SLURM's daemons start jobs as any user: they need root"


class Slurm:
    """The daemons. They do not carry the tests' mark (a failing test ends what carries it); the jobs do.

    Args:
        folder: For configuration, state and logs; a short path, since a socket lies in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        host = socket.gethostname().partition(".")[0]
        for name in ("state", "spool/n1", "spool/n2"):
            (folder / name).mkdir(parents=True)
        for number in range(8):
            (folder / f"gpu{number}").touch()
        taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        ports = [listener.getsockname()[1] for listener in taken]
        for listener in taken:
            listener.close()
        configuration = folder / "slurm.conf"
        configuration.write_text(CONFIGURATION.format(host=host, folder=folder, ports=ports))
        (folder / "gres.conf").write_text(f"NodeName=n[1-2] Name=gpu File={folder}/gpu[0-7]\n")
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.environment = {**os.environ, "SLURM_CONF": str(configuration)}

    def start(self) -> None:
        """Bring all of it up."""
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "seed-file": "munge.seed"}
        options = [f"--{option}={self.folder / name}" for option, name in files.items()]
        self._begin("munged", "munged", "--foreground", "--force", f"--log-file={self.folder}/munge.log", *options)
        wait_until(lambda: (self.folder / "munge.socket").exists())
        self._begin("slurmctld", "slurmctld", "-D", "-c")
        for name in ("n1", "n2"):
            self.start_node(name)

    def start_node(self, name: str) -> None:
        """Start a node's daemon, and wait until it takes jobs."""
        self._begin(name, "slurmd", "-D", "-N", name)
        wait_until(lambda: self.fact("node", name, "State").startswith("IDLE"))

    def _begin(self, name: str, *command: str) -> None:
        environment = {key: value for key, value in self.environment.items() if key != MARK}
        with (self.folder / f"{name}.out").open("ab") as log:
            self._daemons[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def kill_node(self, name: str) -> None:
        """What a power cut does: the daemon of a node is gone, at once."""
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def stop(self) -> None:
        """End the jobs, then the daemons, the last one first."""
        subprocess.run(["scancel", "--signal=KILL", "--full", "--user=root"], env=self.environment, check=False)
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def say(self, *command: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """What one of SLURM's commands prints."""
        environment = {**self.environment, **variables}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def submit(self, where: Path, *arguments: str | Path, **variables: str) -> str:
        """`sbatch` from a folder that stands for the repository; the job's number. It logs to `<number>.log` there."""
        return self.say("sbatch", "--parsable", "--output=%j.log", *arguments, cwd=where, **variables).strip()

    def fact(self, kind: str, name: str, key: str) -> str:
        """A fact of a job or node, as `scontrol show` has it; empty as long as the controller does not answer."""
        done = subprocess.run(
            ["scontrol", "--oneliner", "show", kind, name], env=self.environment, capture_output=True, text=True
        )
        words = [word.partition("=") for word in done.stdout.split()]
        return next((value for found, _, value in words if found == key), "")

    def wait_for(self, job: str, *states: str) -> str:
        """Wait until a job is in one of some states; the state."""
        wait_until(lambda: self.fact("job", job, "JobState") in states)
        return self.fact("job", job, "JobState")


def wait_until(true: Callable[[], bool], seconds: float = 900) -> None:
    """Wait, with patience for a machine that does other things."""
    patience = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < patience, "it never came"
        time.sleep(0.3)


def repository(folder: Path) -> Path:
    """A folder that a job sees as the repository: links to what is in this one."""
    for name in ("launch", "idf", "recipes"):
        (folder / name).symlink_to(ROOT / name)
    return folder
