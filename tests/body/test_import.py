import subprocess
import sys


def test_a_body_is_loaded_without_torchs_compiler():
    """It takes longer to import than torch itself, in every stage anew."""
    check = "import sys, understudy.body.model; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
