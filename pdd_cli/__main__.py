"""``python -m pdd_cli``: the same as ``pdd``."""

from pdd_cli.cli.app import main

if __name__ == "__main__":
    main()
