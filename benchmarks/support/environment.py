"""Create Python environments separate from the product's, each from a lock file."""

import subprocess
from pathlib import Path
from zlib import crc32

ROOT = Path(__file__).parents[2]
PEERS_FOLDER = ROOT / "benchmarks" / "peers"
"""The folder of the other stacks."""

PEERS_ENVIRONMENT = ROOT / ".bootstrap" / PEERS_FOLDER.name
INSTALL_TIMEOUT_SECONDS = 600.0


def install_environment(folder: Path) -> Path:
    """The folder of the programs that ``requirements.lock`` in ``folder`` lists.

    The environment is in ``.bootstrap`` and is created when missing or older than its lock file.
    """
    lock, home = folder / "requirements.lock", ROOT / ".bootstrap" / folder.name
    stamp, wanted = home / ".ready", f"{crc32(lock.read_bytes()):x} {ROOT}"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {lock.relative_to(ROOT)} into {home.relative_to(ROOT)}")
        stamp.unlink(missing_ok=True)
        run_uv("venv", "--clear", "--python", ROOT / ".venv" / "bin" / "python", home)
        run_uv("pip", "sync", "--python", home / "bin" / "python", "--require-hashes", lock)
        stamp.write_text(wanted)
    return home / "bin"


def run_uv(*arguments: str | Path) -> None:
    """Run uv, which ``bin/bootstrap`` finds or installs. Raises ``CalledProcessError``."""
    command = [ROOT / "bin" / "bootstrap", "uv", *arguments, "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=INSTALL_TIMEOUT_SECONDS)
