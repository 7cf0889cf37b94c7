"""``python -m pipeline_engine`` is ``pipeline-engine``."""

from pipeline_engine.cli import main

if __name__ == "__main__":
    main(prog_name="pipeline-engine")
