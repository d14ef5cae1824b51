"""Why a released figure is what it is: recomputed from the raw bytes, and shown step by step."""
