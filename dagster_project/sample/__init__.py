"""Generator of the bundled fictional extracts: invented truth, scored and published in the official layouts.

Scores are those of explain's scorer (explanation.recomputation): none is computed here. Reading files isn't here
either (extracts).
"""

from dagster_project.sample.generator import SAMPLE_QUARTERS, SampleFiles, generate_sample

__all__ = ["SAMPLE_QUARTERS", "SampleFiles", "generate_sample"]
