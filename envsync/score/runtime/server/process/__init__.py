"""The server as a process: settings, log, signals, sockets."""
