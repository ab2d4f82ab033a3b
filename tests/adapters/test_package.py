"""What a host meets when it imports the adapters."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_host_called_bot_is_told_so(tmp_path: Path) -> None:
    """A host whose own file is called bot.py reads which file hides our package, and what to do."""
    (tmp_path / "bot.py").write_text("")
    started = subprocess.run(  # noqa: S603 - the words are our own
        [sys.executable, "-c", f"import sys; sys.path.append({str(ROOT)!r}); import adapters.discord"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )

    assert started.returncode == 1
    assert "bot.py hides Rapport's package" in started.stderr.splitlines()[-1]
