"""What `pipeline-engine demo` shows: sample pipelines, stand-in peers and one eventful run.

The engine knows nothing of this package.
"""
