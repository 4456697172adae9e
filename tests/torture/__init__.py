"""
Runs that show what is promised, each with its own account. A module here is one run: `NAME`, and `run(options)`.

    python -m tests.torture NAME [--events N] [--seed S]
"""
