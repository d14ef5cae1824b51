"""Generator of the bundled fictional extracts, and the plain-Python scorer that scores them."""

from dagster_project.sample.generator import SAMPLE_QUARTERS, SampleFiles, generate_sample

__all__ = ["SAMPLE_QUARTERS", "SampleFiles", "generate_sample"]
