"""The command line: argv -> Config -> service. One file per command group; nothing heavy is imported before it runs."""
