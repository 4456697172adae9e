"""docs/reference/configuration.md: every option, from the table that the bridge itself reads."""

from bridge.config import OPTIONS
from bridge.config.options import Option, default_words

COMMANDS = ("run", "dump", "replay", "demo", "validate", "schemas", "dlq show", "dlq replay", "config")

_HEAD = """# Configuration

<!-- written by docs/generate.py from bridge/config: do not edit -->

An option has one name everywhere: `--queue-type` on the command line, `CELERY_BRIDGE_QUEUE_TYPE` in the environment,
`queue_type` in a file. Where it is given more than once, the first of these counts:

1. the flag
2. the environment
3. the file of `--config`
4. the default

An option that a command does not have is ignored: one file and one environment serve all of them.

`celery-bridge config`, with the same flags, shows what holds and where each value came from. Everything that is wrong
is reported at once, one line each on stderr, and the exit code is 78.

## In the environment

- A switch is on with `1`, `true`, `yes` or `on`, and off with `0`, `false`, `no` or `off`.
- An option that may be repeated takes one value, or a JSON list: `CELERY_BRIDGE_TYPE='["task-*", "worker-*"]'`.
- `CELERY_BRIDGE_<NAME>_FILE` names a file that holds the value: for secrets that are mounted. A final newline is cut.
- An empty variable counts as not given. An unknown `CELERY_BRIDGE_` variable is a mistake, but for those that
  Kubernetes makes for a Service of that name.
- `CELERY_BROKER_URL`, Celery's own, is the default of `--from`.

## In a file

TOML, or JSON when it is named `.json` or begins with a brace. Flat keys; paths are relative to the working directory.

```toml
from = "amqp://bridge@rabbit/shop"
to = "kafka://kafka1:9092,kafka2:9092/celery.events"
type = ["task-*", "worker-offline"]
kafka_property = {"security.protocol" = "SASL_SSL", "sasl.mechanism" = "SCRAM-SHA-512"}
```

`from` is a string, a list, or a table for each label. A table holds `url` and what is true for this source only:
PER_SOURCE.

```toml
[from.prod]
url = "amqp://bridge@rabbit1/shop"
prefetch = 10000

[from.eu]
url = "redis://redis2"
```

Which sources there are is said by the first layer that names URLs. What a file's table says about a label holds then
too: with `url` in `CELERY_BRIDGE_FROM` (`eu=redis://:password@redis2`) no password stands in the file.
Of `kafka_property` and `queue_arg` every layer counts: a name is taken from the first layer that has it.

## Secrets

Passwords in URLs, and properties whose names say that they hold a secret, are shown as `***` by every command, log line
and error. A configuration that holds `***` as such a value was copied from a print, and is refused.
"""


def page() -> str:
    per_source = ", ".join(f"`{row.key}`" for row in OPTIONS if row.per_source)
    parts = [_HEAD.replace("PER_SOURCE", per_source)]
    section = ""
    for row in OPTIONS:
        if row.section != section:
            section = row.section
            parts.append(f"## {section}\n")
        parts.append(described(row))
    return "\n".join(parts)


def described(row: Option) -> str:
    """One option: a heading, what it does, and a table of its names."""
    flags = ", ".join(
        f"`{flag}`" for flag in (*row.flags, row.flag, *((f"--no-{row.flag[2:]}",) if row.switch else ()))
    )
    variables = [row.variable, *([row.variable + "_FILE"] if row.in_file else [])]
    defaults = [default_words(row, "run").removeprefix("default: ")]
    defaults += [f"for `{name}` {row.kind.write(value)}" for name, value in row.defaults.items()]
    rows = [
        ("flag", flags + (f" `{row.kind.metavar.replace('|', chr(92) + '|')}`" if row.kind.metavar else "")),
        ("environment", ", ".join(f"`{name}`" for name in variables)),
        (
            "file",
            f"`{row.key}`: {row.kind.expected}".replace("[from.<label>]", "`[from.<label>]`")
            if row.in_file
            else "not possible",
        ),
        ("default", "; ".join(defaults)),
        ("commands", ", ".join(f"`{name}`" for name in COMMANDS if name in row.commands)),
    ]
    rows += [
        (f"for `{name}`", "only the flag counts: file and environment are the service's") for name in row.flag_only
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"### {row.flag}\n\n{row.help}\n\n| | |\n|---|---|\n{table}\n"
