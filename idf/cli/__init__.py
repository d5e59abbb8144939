"""The commands: they parse arguments and call, without logic of their own."""
