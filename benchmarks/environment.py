"""The Python environment of the other stacks: made once, away from the product's own."""

import subprocess
from pathlib import Path
from zlib import crc32

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "benchmarks" / "peers" / "requirements.lock"
PEERS = ROOT / ".bootstrap" / "peers"
MAKE_SECONDS = 600.0


def prepare() -> Path:
    """The folder of its programs; made from the lock file when it is missing or older."""
    stamp, wanted = PEERS / ".ready", f"{crc32(LOCK.read_bytes()):x} {ROOT}"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"benchmarks: installing the other stacks into {PEERS.relative_to(ROOT)}")
        stamp.unlink(missing_ok=True)
        uv("venv", "--clear", "--python", ROOT / ".venv" / "bin" / "python", PEERS)
        uv("pip", "sync", "--python", PEERS / "bin" / "python", "--require-hashes", LOCK)
        stamp.write_text(wanted)
    return PEERS / "bin"


def uv(*arguments: str | Path) -> None:
    """Run uv, which ``bin/bootstrap`` finds or installs. Raises ``CalledProcessError``."""
    command = [ROOT / "bin" / "bootstrap", "uv", *arguments, "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=MAKE_SECONDS)
