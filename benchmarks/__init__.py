"""What was measured, one folder a question; run from the checkout, as ``python -m benchmarks.demo.truth``."""
