"""From publisher to tidy rows: archive, recognition, readers and the bundled sample."""
